"""Reader of a bundle; needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .._checks.parameters import suggest
from .._checks.text import is_text
from ..captioning import CAPTION
from ..files.digest import sha256_of
from ..onnx import OnnxCaptioner, OnnxEncoder
from ._manifest import FILE, Manifest

_ATTEMPTS = 10  # a writer replaces the bundle between two reads of its manifest


class Bundle:
    """The exported encoders of a model, read from a folder.

    All files are read at once: an opened bundle stays as it is when another one replaces it in the
    folder.

    Parameters
    ----------
    path : str or Path
        Folder written by :func:`mibsk.bundle.write_bundle`.
    providers : "auto" or list of str, default="auto"
        Execution providers of onnxruntime.
    n_threads : int, default=None
        Number of threads within one operator on a CPU; `None` lets onnxruntime choose.
    variant : str, default=None
        Name of a variant of lower precision that the bundle contains; `None` opens the encoders as
        trained. A variant embeds into a space of its own, with another digest.

    Attributes
    ----------
    manifest : Manifest
        What the bundle contains.
    encoders : dict of str to OnnxEncoder
        Opened encoders, by modality.
    captioner : OnnxCaptioner or None
        What describes pictures in words; None if the bundle was not written of a captioner, or a
        variant was opened.

    Raises
    ------
    FileNotFoundError
        If there is no bundle at `path`.
    ValueError
        If the manifest cannot be read, or a file is missing or not the one that was written.

    Examples
    --------
    >>> import tempfile
    >>> from mibsk import IBAligner
    >>> from mibsk.bundle import Bundle, write_bundle
    >>> from mibsk.datasets import load_digits_halves
    >>> halves = load_digits_halves().data
    >>> aligner = IBAligner(n_components=8, max_epochs=1, random_state=0).fit(halves)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     manifest = write_bundle(aligner, folder, name="digits")
    ...     bundle = Bundle(folder)
    >>> bundle.modalities
    ['left', 'right']
    >>> bundle.embed("left", halves["left"][:3]).shape
    (3, 8)
    """

    def __init__(
        self,
        path: str | Path,
        *,
        providers: str | list[str] = "auto",
        n_threads: int | None = None,
        variant: str | None = None,
    ) -> None:
        self.variant = variant
        self.path = Path(path)
        manifest = read_manifest(self.path)
        for _ in range(_ATTEMPTS):
            try:
                encoders = _open(self.path, manifest, providers, n_threads, variant)
                captioner = _open_captioner(self.path, manifest, providers, n_threads, variant)
                break
            except (FileNotFoundError, ValueError):
                earlier, manifest = manifest, read_manifest(self.path)
                if manifest == earlier:  # not replaced by a writer meanwhile
                    raise
        else:
            raise ValueError(f"the bundle at {path} is replaced all the time: try again later.")
        self.manifest = manifest
        self.encoders: dict[str, OnnxEncoder] = encoders
        self.captioner: OnnxCaptioner | None = captioner

    def __repr__(self) -> str:
        parts = [f"name={self.manifest.name!r}", f"modalities={self.modalities}"]
        parts += [f"n_components={self.manifest.n_components}", f"digest={self.digest[:12]!r}"]
        parts += [] if self.variant is None else [f"variant={self.variant!r}"]
        return f"Bundle({', '.join(parts)})"

    @property
    def digest(self) -> str:
        """Digest of the space that the encoders embed into."""
        if self.variant is None:
            return self.manifest.digest
        return self.manifest.variants[self.variant].digest

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
        """Return the embeddings (n, n_components) of rows of a modality.

        Captions, in the bundle of a captioner, are strings or token ids.
        """
        encoder = self.encoder(modality)
        if self.captioner is not None and modality == CAPTION and is_text(np.asarray(rows)):
            return self.captioner.embed({CAPTION: rows})[CAPTION]
        return encoder.transform(rows)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of the bundle in a folder."""
    file = path / FILE
    try:
        text = file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(
            f"no bundle at {path}: expected a folder with {FILE}, as mibsk.bundle.write_bundle "
            "writes it."
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not a manifest: it is not text in UTF-8.") from error
    return Manifest.from_json(text, file)


def _open(
    path: Path,
    manifest: Manifest,
    providers: str | list[str],
    n_threads: int | None,
    variant: str | None,
) -> dict[str, OnnxEncoder]:
    if variant is not None and variant not in manifest.variants:
        known = ", ".join(manifest.variants) or "none"
        raise ValueError(
            f"the bundle at {path} has no variant {variant!r}; it has {known}. Write it with "
            f"write_bundle(..., variants=[{variant!r}], rows=held_out_rows)."
        )
    for name, digest in manifest.files():
        file = path / name
        if not file.is_file() or sha256_of(file) != digest:
            what = "differs from" if file.exists() else "is missing of"
            raise ValueError(
                f"{file} {what} what {FILE} lists: the bundle is damaged, or was copied in "
                "part. Copy it again."
            )
    encoders = {}
    for modality, each in manifest.encoders.items():
        file = (
            path / (each if variant is None else manifest.variants[variant].encoders[modality]).file
        )
        encoder = OnnxEncoder(file, providers=providers, n_threads=n_threads).fit()
        found = encoder.metadata_
        if found.input != each.input or found.n_components != manifest.n_components:
            raise ValueError(
                f"{path / FILE} describes modality {modality!r} otherwise than {file.name}: it was "
                "changed by hand. Write the bundle again with mibsk.bundle.write_bundle."
            )
        encoders[modality] = encoder
    return encoders


def _open_captioner(
    path: Path,
    manifest: Manifest,
    providers: str | list[str],
    n_threads: int | None,
    variant: str | None,
) -> OnnxCaptioner | None:
    if manifest.captioner is None or variant is not None:
        return None
    file = path / manifest.captioner.description
    return OnnxCaptioner(file, providers=providers, n_threads=n_threads)
