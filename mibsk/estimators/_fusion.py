"""Fusion of the embeddings of several modalities to one array."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .._checks.parameters import suggest

_WORDS = ("concat", "mean")


def check_fusion(fusion: str, modalities: list[str]) -> None:
    """Raise ``ValueError`` unless `fusion` is "concat", "mean" or the name of a modality."""
    known = [*_WORDS, *modalities]
    if fusion not in known:
        raise ValueError(
            f"fusion must be 'concat', 'mean' or one of the modalities {modalities}, got "
            f"{fusion!r}." + suggest(fusion, known)
        )


def fuse(embedded: Mapping[str, np.ndarray], fusion: str, modalities: list[str]) -> np.ndarray:
    """Return the embeddings fused to one array.

    Returns
    -------
    ndarray (n, n_features_out)

    Raises
    ------
    ValueError
        If a required modality is missing.
    """
    if fusion not in _WORDS and fusion in embedded:
        return embedded[fusion]
    if missing := [name for name in modalities if name not in embedded]:
        raise ValueError(
            f"missing modality {missing}: fusion={fusion!r} needs {modalities}. Pass them, choose "
            "fusion=<name of one modality>, or use embed for a part."
        )
    arrays = list(embedded.values())
    return np.mean(arrays, axis=0) if fusion == "mean" else np.concatenate(arrays, axis=1)
