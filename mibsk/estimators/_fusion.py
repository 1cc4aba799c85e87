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

    A row that lacks a modality has NaN in the columns of that modality, or the mean of the others.

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
    if fusion == "mean" and embedded:
        return _mean(list(embedded.values()))
    if missing := [name for name in modalities if name not in embedded]:
        raise ValueError(
            f"missing modality {missing}: fusion={fusion!r} needs {modalities}. Pass them, choose "
            "fusion='mean' or the name of one modality, or use embed for a part."
        )
    return np.concatenate(list(embedded.values()), axis=1)


def _mean(arrays: list[np.ndarray]) -> np.ndarray:
    """Return the mean of arrays (n, d), in each row of those that have it; NaN if none has."""
    present = [~np.isnan(array[:, 0]) for array in arrays]
    if all(mask.all() for mask in present):
        found: np.ndarray = np.mean(arrays, axis=0)
        return found
    total, count = np.zeros_like(arrays[0]), np.zeros((len(arrays[0]), 1), arrays[0].dtype)
    for array, mask in zip(arrays, present, strict=True):
        total[mask] += array[mask]
        count[mask] += 1
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
