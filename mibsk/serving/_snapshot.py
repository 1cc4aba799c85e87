"""What is served at one moment: the encoders of a bundle, opened and tried, and an index."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._checks.parameters import suggest
from ..bundle import Bundle, Display
from ..captioning import CAPTION
from ..data import InputSpec
from ..onnx import OnnxEncoder
from ._errors import RequestError
from ._fields import shortened
from ._rows import TokensOf

_TRIES = 3


@dataclass(frozen=True)
class ServedEncoder:
    """One encoder of a bundle, and the time that it takes.

    Parameters
    ----------
    encoder : OnnxEncoder
        The opened encoder.
    spec : InputSpec
        Kind, shape and type of the rows.
    display : Display
        How rows are shown, and so how pictures become rows.
    seconds : float
        Time for one row.
    tokens_of : callable, default=None
        From captions to rows, if the bundle is that of a captioner and this their encoder.
    """

    encoder: OnnxEncoder
    spec: InputSpec
    display: Display
    seconds: float
    tokens_of: TokensOf | None = None

    def embed(self, rows: Any) -> np.ndarray:
        """Return embeddings of rows; those of a table have its columns in their order."""
        return _embed(self.encoder, self.spec, rows)


@dataclass(frozen=True)
class Snapshot:
    """A bundle and an index that belong together; replaced as a whole.

    Parameters
    ----------
    bundle : Bundle
        The opened bundle.
    encoders : dict of str to ServedEncoder
        By modality.
    manifest : bytes
        The manifest as it is in the folder.
    index : object, default=None
        Index of embedded rows.
    index_problem : str, default=""
        Why there is no index although one was asked for.
    """

    bundle: Bundle
    encoders: dict[str, ServedEncoder]
    manifest: bytes
    index: Any = None
    index_problem: str = ""

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.bundle.manifest.name

    @property
    def version(self) -> str:
        """Version of the model in KServe's protocol: the start of its digest."""
        return self.bundle.digest[:12]

    def encoder(self, modality: object, param: str) -> ServedEncoder:
        """Return the encoder of a modality.

        Raises
        ------
        RequestError
            If there is no such modality: 404.
        """
        found = self.encoders.get(modality) if isinstance(modality, str) else None
        if found is None:
            names = list(self.encoders)
            raise RequestError(
                404,
                f"the bundle has no modality {shortened(modality)}, only {', '.join(names)}."
                + (suggest(modality[:100], names) if isinstance(modality, str) else ""),
                "model_not_found",
                param,
            )
        return found

    def encoder_of_model(self, model: object) -> tuple[str, ServedEncoder]:
        """Return the modality that ``"name/modality"`` or ``"modality"`` means, and its encoder."""
        modality = model
        if isinstance(model, str):
            modality = model.removeprefix(f"{self.name}/") if model not in self.encoders else model
        return str(modality), self.encoder(modality, "model")


def open_snapshot(path: Path, n_threads: int | None) -> Snapshot:
    """Return an opened bundle whose encoders have embedded a row each, without an index.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no bundle, or it is damaged, or was replaced while it was opened.
    """
    before = signature(path)
    bundle = Bundle(path, n_threads=n_threads)
    encoders = {}
    for name, each in bundle.manifest.encoders.items():
        encoder = bundle.encoder(name)
        encoders[name] = ServedEncoder(
            encoder,
            each.input,
            each.display,
            _seconds_of_a_row(encoder, each.input),
            bundle.captioner.tokens if bundle.captioner and name == CAPTION else None,
        )
    manifest = (path / "manifest.json").read_bytes()
    if signature(path) != before:
        raise ValueError(f"the bundle at {path} was replaced while it was read.")
    return Snapshot(bundle, encoders, manifest)


def signature(path: Path) -> tuple[Any, ...]:
    """Return what changes if a bundle is replaced: its folder, and name, time, size of its files.

    A bundle that cannot be listed has an empty one.
    """
    try:
        with os.scandir(path) as entries:
            files = sorted(
                (entry.name, stat.st_mtime_ns, stat.st_size, stat.st_ino)
                for entry in entries
                if (stat := entry.stat()) and entry.is_file()
            )
    except OSError:
        return ()
    return os.path.realpath(path), *files


def _embed(encoder: OnnxEncoder, spec: InputSpec, rows: Any) -> np.ndarray:
    z = encoder.embed_ready(rows)
    if z is None and spec.columns:  # an encoder of a table expects names
        rows = pd.DataFrame(spec.prepare(rows), columns=list(spec.columns), copy=False)
    return encoder.transform(rows) if z is None else z


def _seconds_of_a_row(encoder: OnnxEncoder, spec: InputSpec) -> float:
    """Return the time for one row, and so show that the file can be run."""
    row = _a_row(spec)
    times = []
    for _ in range(_TRIES):
        start = time.perf_counter()
        with suppress(ValueError, TypeError):  # of this row; other rows can be right
            _embed(encoder, spec, row)
        times.append(time.perf_counter() - start)
    return min(times)


def _a_row(spec: InputSpec) -> Any:
    if spec.kind == "text":
        return ["a"]
    if spec.kind == "labels":
        return [spec.classes[0]]
    return np.ones((1, *spec.shape), spec.dtype)


OpenIndex = Callable[[Bundle], Any]
