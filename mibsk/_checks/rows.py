"""Checks of the rows of modalities: any container becomes a checked array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike

from ..exceptions import EmbeddingError
from ..files.memory_map import read_chunks
from .masks import IMPUTE, check_unmasked
from .pixels import check_modes
from .tensors import is_tensor, tensor_to_array
from .text import as_text
from .vector_cells import has_vector_cells, stack_cells, stack_rows

_INTERNAL_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32))
_CHUNK_VALUES = 2**20  # values checked at once: 4 MiB of float32


def n_rows(name: str, X: Any) -> int:
    """Return the number of rows of an array, a table, a sparse matrix or a list."""
    shape = getattr(X, "shape", None)
    if shape is None and hasattr(X, "__array__"):
        shape = np.asarray(X).shape
    if shape is not None:
        if len(shape) == 0:
            raise ValueError(
                f"modality {name!r} must have one row per sample, got a single value: {X!r}."
            )
        return int(shape[0])
    if isinstance(X, Sequence) and not isinstance(X, str | bytes):
        return len(X)
    raise TypeError(
        f"modality {name!r} must be an array, a table, a sparse matrix or a list with one entry "
        f"per row, got {type(X).__name__}."
    )


def check_same_length(lengths: dict[str, int]) -> int:
    """Return the common number of rows; raise ``ValueError`` naming each one if they differ."""
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} has {n}" for name, n in lengths.items())
        raise ValueError(
            f"paired modalities must have the same number of rows, row i of each belonging "
            f"together; {listed}. If a row has several partners, such as a picture its texts, "
            "repeat it for each with np.repeat; for data paired by class use mibsk.ClassPairs."
        )
    return next(iter(lengths.values()))


def as_rows(name: str, X: Any, first_row: int = 0) -> Any:
    """Return `X` as an array or CSR matrix.

    Tables (pandas, polars, pyarrow) and torch tensors become arrays, lists become arrays, sparse
    formats become CSR; arrays and memory maps are returned as they are. Strings of any type become
    a 1-D array of Python or NumPy strings, and a column or list of vectors is stacked.
    """
    n_rows(name, X)
    if sp.issparse(X):
        if X.ndim != 2:
            raise ValueError(
                f"modality {name!r} must be a sparse matrix of two dimensions, got shape {X.shape}."
            )
        return X.tocsr()
    what = f"modality {name!r}"
    if not isinstance(X, np.ndarray) and is_tensor(X):
        return tensor_to_array(what, X)
    array = as_array(what, X, first_row)
    if array.dtype.kind in "biuf":
        return array
    return as_text(what, stack_cells(what, array, first_row))


def as_array(what: str, X: Any, first_row: int = 0) -> np.ndarray:
    """Return a table, a list or another dense container as an array; `what` is for messages."""
    if isinstance(X, np.ma.MaskedArray | list | tuple):
        check_unmasked(what, X)
    if isinstance(X, np.ndarray):
        return np.asarray(X) if isinstance(X, np.ma.MaskedArray) else X
    if hasattr(X, "to_numpy") and not hasattr(X, "__arrow_c_array__"):
        array: np.ndarray = X.to_numpy()
        return array
    if not isinstance(X, Sequence) or isinstance(X, memoryview) or not len(X):
        return np.asarray(X)
    kinds = set(map(type, X))
    if any(hasattr(kind, "getpalette") for kind in kinds):
        check_modes(what, X)
    if any(issubclass(kind, str | bytes | bytearray) for kind in kinds):
        # dtype object: "U" gives each string the memory of the longest, and turns numbers into text
        return np.fromiter(X, dtype=object, count=len(X))
    try:
        return stack_rows(what, X, first_row) if any(map(is_tensor, kinds)) else np.asarray(X)
    except ValueError:  # of unequal shapes
        return stack_rows(what, X, first_row)


def as_numbers(name: str, X: np.ndarray, columns: Sequence[Any] = ()) -> np.ndarray:
    """Return `X` as an array (n, ...) of real numbers; a 1-D array becomes one column.

    `columns` are names for messages, if known.

    Raises
    ------
    TypeError
        If `X` does not hold real numbers.
    ValueError
        If an axis is empty.
    """
    if X.dtype.kind == "O":
        import pandas as pd  # slow to import, rarely needed

        try:
            X = np.where(pd.isna(X), np.nan, X)
            is_complex = any(isinstance(value, complex | np.complexfloating) for value in X.flat)
            X = X.astype(np.complex128 if is_complex else np.float64)
        except (TypeError, ValueError) as error:
            if has_vector_cells(X):
                raise ValueError(
                    f"modality {name!r} has a column of vectors beside others: pass the vectors as "
                    "a modality of their own."
                ) from error
            where = _first_column_of_other_values(X, columns)
            raise type(error)(
                f"modality {name!r} must hold numbers, or strings alone; got values of mixed types"
                f"{where} ({error}). Encode categories first, e.g. with OneHotEncoder, and convert "
                "dates to numbers, e.g. days since the first."
            ) from error
    if X.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: modality {name!r} has dtype {X.dtype}.")
    if X.dtype.kind not in "biuf":
        raise TypeError(
            f"modality {name!r} must hold numbers, or one string per row; got shape {X.shape} of "
            f"dtype {X.dtype}. Convert it to numbers first."
        )
    if X.ndim == 1:
        X = X.reshape(-1, 1)
    if 0 in X.shape[1:]:
        raise ValueError(
            f"modality {name!r} has 0 feature(s) (shape={X.shape}) while a minimum of 1 is "
            "required."
        )
    return X


def as_dense(
    name: str, X: np.ndarray, first_row: int | None = None, *, double: bool = False
) -> np.ndarray:
    """Return numbers as an array (n, ...) of uint8 or float32, finite.

    uint8 stays uint8 (pixels: a quarter of the memory), booleans become uint8, every other number
    float32. A memory map is checked and returned as it is.

    Parameters
    ----------
    name : str
        Name of the modality.
    X : ndarray (n, ...)
        Its rows, or a part of them.
    first_row : int, default=None
        Number of the first row, if `X` is a part.
    double : bool, default=False
        Whether other numbers become float64 instead.

    Raises
    ------
    TypeError, ValueError
        As :func:`as_numbers`, and if a value is NaN, infinite, or too large for float32.
    """
    X = as_numbers(name, X)
    if isinstance(X, np.memmap):
        check_finite(name, X, first_row)
        return X
    if X.dtype.kind == "b":
        X = X.astype(np.uint8)
    if X.dtype not in _INTERNAL_DTYPES:
        converted = to_float32(X)
        check_finite(name, converted, first_row, original=X)
        return X.astype(np.float64, copy=False) if double else converted
    check_finite(name, X, first_row)
    return X


def to_float32(X: Any) -> Any:
    """Return a float32 copy, in which values out of range are infinite; no warning."""
    with np.errstate(over="ignore"):
        return X.astype(np.float32)


def check_finite(
    name: str,
    X: Any,
    first_row: int | None = None,
    *,
    original: Any = None,
    present: np.ndarray | None = None,
) -> None:
    """Raise ``ValueError`` naming modality and row of the first value that float32 cannot hold.

    Parameters
    ----------
    name : str
        Name of the modality.
    X : ndarray (n, ...) or CSR matrix (n, d)
        Its rows, or a part of them.
    first_row : int, default=None
        Number of the first row, if `X` is a part.
    original : ndarray or CSR matrix, default=None
        `X` before its conversion to float32.
    present : ndarray of bool (n,), default=None
        Which rows are checked; None: all.
    """
    original = X if original is None else original
    values, seen = (X.data, original.data) if sp.issparse(X) else (X, original)
    if values.dtype.kind != "f":
        return
    bad = rows_not_finite(values, np.float32)
    numbers = np.searchsorted(X.indptr, bad, side="right") - 1 if sp.issparse(X) else bad
    if present is not None:
        bad, numbers = bad[present[numbers]], numbers[present[numbers]]
    if not len(bad):
        return
    first = np.atleast_1d(seen[bad[0]]).ravel()
    value = first[~np.isfinite(to_float32(first))][0]
    what = "NaN" if np.isnan(value) else "infinity" if np.isinf(value) else None
    rows = np.unique(numbers)
    count = len(rows) if first_row is None else f"at least {len(rows)}"
    raise ValueError(
        f"modality {name!r} contains {what or 'a value too large for float32'} (first at row "
        f"{int(rows[0]) + (first_row or 0)}; {count} row(s) affected). "
        + (IMPUTE if what == "NaN" else "Drop or rescale such rows first.")
    )


def rows_not_finite(X: np.ndarray, dtype: DTypeLike | None = None) -> np.ndarray:
    """Return the numbers of the rows that hold NaN, infinity, or a value too large for `dtype`."""
    if X.flags.owndata or X.size <= _CHUNK_VALUES:  # in memory
        return _not_finite(X, dtype)
    n_at_a_time = max(1, _CHUNK_VALUES // prod(X.shape[1:]))
    found = [start + _not_finite(chunk, dtype) for start, chunk in read_chunks(X, n_at_a_time)]
    return np.concatenate(found)


def _not_finite(rows: np.ndarray, dtype: DTypeLike | None) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        rows = rows.astype(dtype or rows.dtype, copy=False)
        if np.isfinite(rows.sum()):  # one pass, without a mask
            return np.empty(0, np.intp)
    return np.flatnonzero(~np.isfinite(rows).reshape(len(rows), -1).all(axis=1))


def check_embeddings(
    name: str, z: np.ndarray, rows: Any, numbers: slice | np.ndarray | None = None
) -> None:
    """Raise ``EmbeddingError`` if an encoder returned NaN; it names the row and its largest value.

    Parameters
    ----------
    name : str
        Name of the modality.
    z : ndarray (n, n_components)
        Embeddings of some rows, of unit norm where they are finite.
    rows : ndarray (n, ...) or CSR matrix (n, d)
        Input rows of the encoder.
    numbers : slice or ndarray of int (n,), default=None
        Their numbers in the whole data; None: from 0 on.
    """
    if math.isfinite(np.vdot(z, z)):  # numbers in -1..1: the sum of squares does not overflow
        return
    first = np.flatnonzero(~np.isfinite(z).all(axis=1))[:1]
    values = rows[first].data if sp.issparse(rows) else np.asarray(rows[first])
    largest = np.abs(values.astype(np.float64)).max(initial=0)
    row = int(first[0])
    if numbers is not None:
        row = numbers.start + row if isinstance(numbers, slice) else int(numbers[row])
    raise EmbeddingError(
        f"encoder of modality {name!r} gave NaN for row {row}, whose values reach "
        f"{largest:.4g} in size. If that is far from the rows of fit, rescale or drop such rows; "
        "if not, look for what the encoder divides by or takes the logarithm of."
    )


def _first_column_of_other_values(X: np.ndarray, columns: Sequence[Any]) -> str:
    """Return where a table of objects (n, d) first has a value that is no number, for a message."""
    if X.ndim != 2:
        return ""
    for j, column in enumerate(X.T):
        try:
            column.astype(np.float64)
        except (TypeError, ValueError):
            return f", first in column {columns[j]!r}" if columns else f", first in column {j}"
    return ""
