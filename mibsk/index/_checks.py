"""Checks of what is given to an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from .._checks.parameters import suggest

_SHOWN = 3


def check_modality(modality: Any, known: Collection[str]) -> None:
    """Raise unless the index has the modality."""
    if modality not in known:
        listed = f"only {', '.join(known)}" if known else "as it is empty"
        raise ValueError(
            f"the index has no rows of modality {modality!r}, {listed}."
            + suggest(str(modality), known)
        )


def check_ids(ids: Any) -> list[str]:
    """Return ids as a list.

    Raises
    ------
    TypeError, ValueError
        If one is not a string, is empty, or is given twice.
    """
    if isinstance(ids, str):
        raise TypeError(f"ids must be a sequence of strings, got the string {ids!r}.")
    listed = list(ids)
    for i, each in enumerate(listed):
        if not isinstance(each, str):
            raise TypeError(f"ids must be strings, got {each!r} of row {i}: use str(id).")
    if "" in listed:
        raise ValueError(f"the id of row {listed.index('')} is empty.")
    if len(set(listed)) < len(listed):
        ((twice, n),) = Counter(listed).most_common(1)
        raise ValueError(f"{n} rows have the id {twice!r}: each row needs an id of its own.")
    return [str(each) for each in listed]


def check_vectors(vectors: Any, n_components: int, n: int | None = None) -> np.ndarray:
    """Return embeddings (n, n_components) as float32.

    Raises
    ------
    ValueError
        If the shape differs, or a value is not finite.
    """
    z = np.ascontiguousarray(vectors, dtype=np.float32)
    expected = f"({'n' if n is None else n}, {n_components})"
    if z.ndim != 2 or z.shape[1] != n_components or n not in (None, len(z)):
        raise ValueError(f"vectors must be an array {expected}, got one of shape {z.shape}.")
    wrong = np.flatnonzero(~np.isfinite(z).all(axis=1))
    if len(wrong):
        raise ValueError(
            f"{len(wrong)} vectors contain NaN or infinity, the first is vector {wrong[0]}: leave "
            "out rows that are missing."
        )
    return z


def unknown_ids(modality: str, ids: Sequence[str]) -> ValueError:
    """Return the error about ids that a modality does not have."""
    few = ", ".join(repr(each) for each in ids[:_SHOWN])
    more = ", …" if len(ids) > _SHOWN else ""
    return ValueError(f"modality {modality!r} of the index has no row {few}{more}.")
