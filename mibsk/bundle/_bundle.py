"""Reader of a bundle; needs no torch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from .._checks.parameters import suggest
from ..onnx import OnnxEncoder
from ._manifest import FILE, Manifest


class Bundle:
    """The exported encoders of a model, read from a folder.

    Parameters
    ----------
    path : str or Path
        Folder written by :func:`mibsk.bundle.write_bundle`.
    providers : "auto" or list of str, default="auto"
        Execution providers of onnxruntime.
    n_threads : int, default=None
        Number of threads within one operator on a CPU; `None` lets onnxruntime choose.

    Attributes
    ----------
    manifest : Manifest
        What the bundle contains.
    encoders : dict of str to OnnxEncoder
        Opened encoders, by modality.

    Raises
    ------
    FileNotFoundError
        If there is no bundle at `path`.
    ValueError
        If the manifest cannot be read, or a file is missing or not the one that was written.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        providers: str | list[str] = "auto",
        n_threads: int | None = None,
    ) -> None:
        self.path = Path(path)
        self.manifest = read_manifest(self.path)
        self.encoders: dict[str, OnnxEncoder] = {}
        for name, each in self.manifest.encoders.items():
            file = self.path / each.file
            if not file.is_file() or _sha256(file) != each.sha256:
                what = "differs from" if file.exists() else "is missing of"
                raise ValueError(
                    f"{file} {what} what {FILE} lists: the bundle is damaged, or was copied in "
                    "part. Copy it again."
                )
            self.encoders[name] = OnnxEncoder(file, providers=providers, n_threads=n_threads).fit()

    @property
    def digest(self) -> str:
        """Digest of the space that the encoders embed into."""
        return self.manifest.digest

    @property
    def modalities(self) -> list[str]:
        """Names of the modalities."""
        return list(self.encoders)

    def encoder(self, modality: str) -> OnnxEncoder:
        """Return the encoder of a modality.

        Raises
        ------
        ValueError
            If the bundle has no such modality.
        """
        if modality not in self.encoders:
            raise ValueError(
                f"the bundle has no modality {modality!r}, only {', '.join(self.modalities)}."
                + suggest(modality, self.modalities)
            )
        return self.encoders[modality]

    def embed(self, modality: str, rows: Any) -> Any:
        """Return the embeddings (n, n_components) of rows of a modality."""
        return self.encoder(modality).transform(rows)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of the bundle in a folder."""
    file = path / FILE
    if not file.is_file():
        raise FileNotFoundError(
            f"no bundle at {path}: expected a folder with {FILE}, as mibsk.bundle.write_bundle "
            "writes it."
        )
    return Manifest.from_json(file.read_text("utf-8"), file)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
