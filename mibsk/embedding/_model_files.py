"""Encoders of one modality from files of models."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from .._checks.parameters import suggest
from ..files.digest import sha256_of
from ..onnx import OnnxEncoder


def load_encoder(path: Path, modality: str | None, batch_size: int) -> Any:
    """Return a fitted transformer of the rows of one modality.

    Parameters
    ----------
    path : Path
        An encoder exported to ONNX, or a file that `save` of `IBAligner` or `CanonicalBottleneck`
        has written.
    modality : str or None
        Name of the modality; None if the model has only one.
    batch_size : int
        Number of rows that an ONNX encoder takes at a time.

    Raises
    ------
    ValueError, OSError
        If the file holds no such model, or the modality is not one of it.
    NotInstalledError
        If a package is missing that the model needs.
    """
    if not path.is_file():
        raise ValueError(
            f"{path} is not a file: expected an encoder exported to ONNX, or what save() of an "
            "aligner has written."
        )
    if path.suffix.lower() == ".onnx":
        encoder = OnnxEncoder(path, batch_size=batch_size).fit()
        names = [encoder.input_.name]
    else:
        model = _load_model(path)
        names = model.modality_names_
    if modality is None and len(names) > 1:
        raise ValueError(f"{path} has the modalities {', '.join(names)}: choose one with modality.")
    modality = names[0] if modality is None else modality
    if modality not in names:
        raise ValueError(
            f"{path} has no modality {modality!r}, only {', '.join(names)}."
            + suggest(modality, names)
        )
    return encoder if path.suffix.lower() == ".onnx" else model.encoder(modality)


@lru_cache(maxsize=1)
def encoder_of(path: Path, digest: str, modality: str | None, batch_size: int) -> Any:
    """Return :func:`load_encoder`, once in each process, of the file with this digest.

    Raises
    ------
    ValueError
        If the file has another digest.
    """
    if not path.is_file() or sha256_of(path) != digest:
        raise ValueError(
            f"{path} is not the same file here as where the command was started: put the model, "
            "the rows and the output on a file system that all machines share."
        )
    return load_encoder(path, modality, batch_size)


def _load_model(path: Path) -> Any:
    from ..estimators import CanonicalBottleneck, IBAligner
    from ..files.state_file import read_state

    state = read_state(path)
    name = state.get("model") if isinstance(state, dict) else None
    return (CanonicalBottleneck if name == "CanonicalBottleneck" else IBAligner).load(path)
