"""Vectors in the cells of a column or in a list, stacked to one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from .tensors import is_tensor, tensor_to_array


def stack_cells(what: str, X: Any, first_row: int = 0) -> Any:
    """Return a column whose cells are vectors, matrices or tensors as one array (n, ...).

    Other input is returned as it is. A missing cell becomes a row of NaN.

    Parameters
    ----------
    what : str
        Name used in error messages.
    X : object
        A column (n,) or (n, 1) of objects in an array, a table or a series; or any other input.
    first_row : int, default=0
        Number of the first row, for error messages.

    Raises
    ------
    ValueError
        If the cells differ in shape.
    """
    column = _objects(X)
    if column is None or not _holds_vectors(column):
        return X
    return stack_rows(what, column, first_row)


def stack_rows(what: str, rows: Sequence[Any] | np.ndarray, first_row: int = 0) -> np.ndarray:
    """Return rows (arrays, tensors, lists, numbers or strings) as one array (n, ...).

    A missing row among arrays becomes one of NaN; among strings it stays missing.

    Raises
    ------
    ValueError
        If they differ in shape; the message says which row does.
    """
    arrays: list[Any] = [_as_array(what, row, first_row + i) for i, row in enumerate(rows)]
    known = [i for i, array in enumerate(arrays) if array is not None]
    if not known:
        return np.array(list(rows), dtype=object)
    first = arrays[known[0]]
    for i in known:
        if (shape := arrays[i].shape) != first.shape:
            advice = "Pad or crop them first."
            if _may_be_modalities([arrays[i].shape for i in known]):
                advice += " If these are modalities, pass a mapping: {'a': X1, 'b': X2}."
            raise ValueError(
                f"{what} must have rows of one shape, got {first.shape} at row "
                f"{first_row + known[0]} and {shape} at row {first_row + i}. {advice}"
            )
    if len(known) < len(arrays):
        is_number = first.dtype.kind in "biufc"
        missing = np.full(first.shape, np.nan if is_number else None)
        arrays = [missing if array is None else array for array in arrays]
    kinds = {array.dtype.kind for array in arrays}
    if len(kinds) > 1 and kinds & set("SUT"):  # NumPy would turn numbers and NaN into strings
        arrays = [array.astype(object) for array in arrays]
    return np.stack(arrays)


def missing_vector_cells(X: Any) -> np.ndarray | None:
    """Return which cells of a column of vectors are missing (n,).

    None if none is, or if `X` is not such a column.
    """
    column = _objects(X)
    if column is None or not _holds_vectors(column):
        return None
    missing = np.fromiter(map(is_missing, column), bool, len(column))
    return missing if missing.any() else None


def _may_be_modalities(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether arrays of these shapes may be tables with the same number of rows."""
    return all(len(shape) > 1 for shape in shapes) and len({shape[0] for shape in shapes}) == 1


def has_vector_cells(X: np.ndarray) -> bool:
    """Whether the first row of a table of objects (n, d) has a vector in a cell."""
    return X.dtype.kind == "O" and X.ndim == 2 and len(X) > 0 and any(map(_is_vector, X[0]))


def _objects(X: Any) -> np.ndarray | None:
    """Return a column of objects (n,), None for any other input."""
    if sp.issparse(X) or not hasattr(X, "__array__") or is_tensor(X):
        return None
    if not hasattr(X, "shape"):  # an array of pyarrow
        X = np.asarray(X)
    if len(X.shape) != 1 and tuple(X.shape[1:]) != (1,):
        return None
    column = np.asarray(X)
    return column.reshape(-1) if column.dtype.kind == "O" else None


def _holds_vectors(column: np.ndarray) -> bool:
    """Whether the first value of a column of objects that is not missing is a vector."""
    return _is_vector(next((cell for cell in column if not is_missing(cell)), None))


def _is_vector(cell: Any) -> bool:
    if isinstance(cell, list | tuple):
        return True
    return hasattr(cell, "__array__") and len(getattr(cell, "shape", ())) > 0


def is_missing(cell: Any) -> bool:
    """Whether an entry is None, NaN, or a missing value of pandas."""
    if cell is None or isinstance(cell, float):
        return cell is None or cell != cell
    return type(cell).__name__ in ("NAType", "NaTType")  # of pandas, which is slow to import


def _as_array(what: str, row: Any, number: int) -> np.ndarray | None:
    """Return a row as an array, None if it is missing."""
    if is_missing(row):
        return None
    if is_tensor(row):
        return tensor_to_array(what, row)
    try:
        return _stacked(row)
    except ValueError as error:
        raise ValueError(
            f"{what} must have rows of one shape, got lists of unequal length within row {number}. "
            "Pad or crop them first."
        ) from error


def _stacked(row: Any) -> np.ndarray:
    """Return a row as one array, also if it is an array of arrays, as pandas reads nested lists."""
    array = np.asarray(row)
    if array.dtype.kind == "O" and array.ndim == 1 and any(map(_is_vector, array)):
        return np.stack([_stacked(part) for part in array])
    return array
