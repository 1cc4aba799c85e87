"""Rows of a modality that others lack, taken from the nearest rows of reference data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from .._checks.blocks import tiles
from .._checks.rows import n_rows
from ..data import Mask, present_rows
from ._fusion import fuse


class Imputed(NamedTuple):
    """Rows of a modality, of which some were taken from reference data.

    Parameters
    ----------
    values : array, CSR matrix or data frame (n, ...)
        The rows of the modality: own ones, and those of the reference where these are missing.
    similarity : ndarray of float32 (n,)
        Cosine similarity of the embeddings of each imputed row and what the row has instead, in
        [-1, 1]; NaN for own rows.
    donor : ndarray of int (n,)
        Number of the row of the reference that each imputed row is; -1 for own rows.
    """

    values: Any
    similarity: NDArray[np.float32]
    donor: NDArray[np.intp]


def impute(estimator: Any, X: Any, modality: str, reference: Any) -> Imputed:
    """Return the rows of a modality, as :meth:`mibsk.IBAligner.impute` does."""
    given = _read(estimator, "X", X)
    donors = _read(estimator, "reference", reference)
    if modality not in donors:
        raise ValueError(f"reference must have modality {modality!r}, got {list(donors)}.")
    own = given.pop(modality, None)
    if not given:
        raise ValueError(
            f"to impute {modality!r}, X must have another modality of {estimator.modality_names_}."
        )
    n = n_rows(*next(iter(given.items())))
    kept, missing = None, np.ones(n, dtype=bool)
    if own is not None:
        kept, present = present_rows(modality, own)
        missing = np.zeros(n, dtype=bool) if present is None else ~present
    known, has = present_rows(modality, donors[modality])
    numbers = np.arange(n_rows(modality, donors[modality])) if has is None else np.flatnonzero(has)
    if not len(numbers):
        raise ValueError(f"no row of reference has modality {modality!r}: pass some that do.")
    query = _queries(estimator, given, missing)
    target = estimator.embed_modality(modality, known)
    nearest = np.empty(len(query), np.intp)
    similarity = np.full(n, np.nan, np.float32)
    found = np.empty(len(query), np.float32)
    for part in tiles(len(query), len(target)):
        scores = query[part] @ target.T
        nearest[part] = scores.argmax(axis=1)
        found[part] = scores.max(axis=1, initial=-1.0)
    donor = np.full(n, -1, np.intp)
    donor[missing], similarity[missing] = numbers[nearest], found
    index = next((rows.index for rows in given.values() if hasattr(rows, "iloc")), None)
    return Imputed(_merged(own, kept, known, nearest, missing, index), similarity, donor)


def _read(estimator: Any, what: str, given: Any) -> dict[str, Any]:
    """Return the rows of each modality; two tables are a pair."""
    X, y = given, None
    if estimator.form_.is_pair and isinstance(given, tuple):
        if len(given) != 2:
            raise ValueError(f"{what} must be a pair of tables, got {len(given)} of them.")
        X, y = given
    rows: dict[str, Any] = dict(estimator.form_.read(estimator.check_form(X), y))
    return rows


def _queries(estimator: Any, given: Mapping[str, Any], missing: Mask) -> NDArray[np.float32]:
    """Return what rows without the modality have instead, embeddings (k, d) of unit norm."""
    embedded = {name: estimator.embed_modality(name, rows) for name, rows in given.items()}
    fused = fuse(embedded, "mean", list(embedded))[missing]
    bare = np.flatnonzero(missing)[np.isnan(fused).any(axis=1)]
    if len(bare):
        raise ValueError(
            f"row {bare[0]} lacks every modality, so that nothing tells what to impute "
            f"({len(bare)} row(s) affected): drop these rows."
        )
    norms = np.linalg.norm(fused, axis=1, keepdims=True)
    return fused / np.maximum(norms, np.finfo(np.float32).tiny)


def _merged(
    own: Any,
    kept: Any,
    known: Any,
    nearest: NDArray[np.intp],
    missing: Mask,
    index: pd.Index[Any] | None,
) -> Any:
    """Return the rows `kept` of `own`, with rows of the reference `known` where own are missing.

    Without own rows, a data frame has the `index` of the other modalities, if they have one.
    """
    n_kept = len(missing) - len(nearest)
    order = np.empty(len(missing), np.intp)
    order[~missing], order[missing] = np.arange(n_kept), n_kept + np.arange(len(nearest))
    if isinstance(known, pd.DataFrame) and (own is None or isinstance(own, pd.DataFrame)):
        donors = known.iloc[nearest]
        both = donors if own is None else pd.concat([kept[known.columns], donors])
        if own is not None:
            index = own.index
        return both.iloc[order].set_axis(pd.RangeIndex(len(missing)) if index is None else index)
    if sp.issparse(known) or sp.issparse(kept):
        chosen = sp.csr_array(known)[nearest]
        return chosen if own is None else sp.csr_array(sp.vstack([kept, chosen]))[order]
    chosen = np.asarray(known)[nearest]
    return chosen if own is None else np.concatenate([np.asarray(kept), chosen])[order]
