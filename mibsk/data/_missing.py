"""Rows of a modality that are missing, in any container."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from .._checks.blocks import raw_chunks
from .._checks.masks import whole_rows_masked
from .._checks.rows import as_rows, check_finite, n_rows
from .._checks.vector_cells import is_missing, missing_vector_cells
from ._columns import is_frame, take_columns

Mask = NDArray[np.bool_]


def without_missing(
    raw: Mapping[str, Any], names: Iterable[str], labels: Collection[str]
) -> tuple[dict[str, Any], dict[str, Mask]]:
    """Return the rows of modalities that are not missing, and which these are.

    The masks are those of the modalities of which rows are missing. Class labels, of which none may
    be, and modalities that are not among `names` are returned as they are.
    """
    rows, masks = dict(raw), {}
    for name in names:
        if name not in labels:
            rows[name], present = present_rows(name, raw[name])
            if present is not None:
                masks[name] = present
    return rows, masks


def present_rows(name: str, X: Any, first_row: int | None = None) -> tuple[Any, Mask | None]:
    """Return the rows of a modality that are not missing, and which these are.

    A row is missing if it is masked as a whole, None, or of NaN alone; in a list, a column of
    objects, or a table with one of these in each column.

    Parameters
    ----------
    name : str
        Name of the modality.
    X : array-like
        All rows, those that are missing included.
    first_row : int, default=None
        Number of the first row, if `X` is a part; for messages.

    Returns
    -------
    rows : array, CSR matrix or data frame
        The rows that are present, in the type that they have without missing ones.
    present : ndarray of bool (n,) or None
        Which of all rows these are; None if no row is missing.

    Raises
    ------
    ValueError, TypeError
        If `X` has no rows, if only a part of a row is masked, or if rows are missing and another
        one is not finite.
    """
    frame = not isinstance(X, np.ndarray) and is_frame(X)
    if frame and not _may_have_missing(name, X):
        return X, None
    is_plain = isinstance(X, np.ndarray) and X.dtype.kind in "biuf" and not _is_masked(X)
    rows = X if is_plain and X.ndim else rows_with_missing(name, X, first_row or 0)
    missing = _missing(rows)
    if missing is None:
        return (X if frame else rows), None
    present = ~missing
    if not _is_masked(rows) and rows.dtype.kind == "f":
        check_finite(name, rows, first_row, present=present)
    kept = np.flatnonzero(present)
    if frame:
        return X.iloc[kept] if hasattr(X, "iloc") else X[kept.tolist()], present
    return (rows.data[kept] if _is_masked(rows) else rows[kept]), present


def rows_with_missing(name: str, X: Any, first_row: int = 0) -> Any:
    """Return rows, of which some may be missing, as an array or a CSR matrix.

    Missing rows are of NaN among real numbers, None among strings, and else those of a masked
    array, so that integers and booleans keep their type.

    Raises
    ------
    ValueError, TypeError
        As :func:`present_rows`.
    """
    if _is_masked(X):
        n_rows(name, X)  # raises for a single value
        whole_rows_masked(f"modality {name!r}", X, first_row)
        return X
    missing = missing_entries(name, X)
    if missing is None:
        return as_rows(name, X, first_row)
    entries = list(np.asarray(X, dtype=object).reshape(-1) if hasattr(X, "shape") else X)
    if missing.all():
        return np.full(len(entries), None)
    filler = entries[int(np.argmin(missing))]  # so that the others keep their type
    for i in np.flatnonzero(missing):
        entries[i] = filler
    rows = as_rows(name, entries, first_row)
    if rows.dtype.kind == "f":
        rows[missing] = np.nan
        return rows
    if rows.dtype.kind in "OU":
        rows = rows.astype(object)
        rows[missing] = None
        return rows
    mask = np.zeros(rows.shape, dtype=bool)
    mask[missing] = True
    return np.ma.MaskedArray(rows, mask)


def _is_masked(X: Any) -> bool:
    return isinstance(X, np.ma.MaskedArray) and X.dtype.names is None and np.ma.is_masked(X)


def missing_entries(name: str, X: Any) -> Mask | None:
    """Return which entries of a list, or of a column of vectors, are missing; None if none is."""
    if not isinstance(X, list | tuple):
        return missing_vector_cells(X)
    kinds = set(map(type, X))
    if not any(kind is type(None) or _can_be_missing(kind) for kind in kinds):
        return None
    missing = np.zeros(len(X), dtype=bool)
    for i, entry in enumerate(X):
        if _is_masked(entry):
            whole_rows_masked(f"modality {name!r}", entry[np.newaxis], i)
            missing[i] = True
        else:
            missing[i] = is_missing(entry)
    return missing if missing.any() else None


def _can_be_missing(kind: type) -> bool:
    scalars = float | np.floating | np.ma.MaskedArray
    return issubclass(kind, scalars) or kind.__name__ in ("NAType", "NaTType")


def _may_have_missing(name: str, X: Any) -> bool:
    """Whether the first column of a data frame has a missing value."""
    return X.shape[1] > 0 and _missing(as_rows(name, take_columns(X, [0]))) is not None


def _missing(rows: Any) -> Mask | None:
    """Return which rows of an array or CSR matrix are missing; None if none is."""
    found: Mask
    if _is_masked(rows):
        found = np.asarray(np.ma.getmaskarray(rows).reshape(len(rows), -1).all(axis=1))
    elif sp.issparse(rows):
        if rows.dtype.kind != "f" or not rows.shape[1] or not np.isnan(rows.data).any():
            return None
        ends = np.concatenate([[0], np.cumsum(np.isnan(rows.data))])[rows.indptr]
        found = np.asarray(np.diff(ends) == rows.shape[1])
    elif 0 in rows.shape or rows.dtype.kind not in "fO":
        return None
    elif rows.flags.owndata or not len(rows):
        found = _of_nothing(rows)
    else:  # perhaps a memory map, which is read in chunks
        found = np.concatenate([_of_nothing(chunk) for chunk in raw_chunks(rows)])
    return found if found.any() else None


def _of_nothing(rows: np.ndarray) -> Mask:
    """Return which rows have missing values alone (n,)."""
    flat = rows.reshape(len(rows), -1) if rows.ndim == 1 else rows
    found = np.asarray(pd.isna(flat[(slice(None),) + (0,) * (flat.ndim - 1)]))
    suspects = np.flatnonzero(found)
    if len(suspects) and flat[0].size > 1:
        values = flat[suspects].reshape(len(suspects), -1)
        found[suspects] = np.asarray(pd.isna(values)).all(axis=1)
    return found
