"""The door: checks of what a user passes, and the messages for what may not come in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = [
    "as_dense",
    "as_rows",
    "check_finite",
    "check_names",
    "check_same_length",
    "check_scalar",
    "is_text",
    "n_rows",
    "suggest",
    "to_float32",
]

_INTERNAL_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32))


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the known name nearest to `name`, else ``""``."""
    near = difflib.get_close_matches(str(name), [str(k) for k in known], n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def check_scalar(
    name: str,
    value: Any,
    *,
    low: float,
    integer: bool = False,
    strict: bool = False,
    high: float = np.inf,
) -> None:
    """Raise unless `value` is a number with ``low <= value < high`` (``low <`` when `strict`).

    Raises
    ------
    TypeError
        If `value` is no number, or no integer where one is asked for.
    ValueError
        If it is out of range or not finite.
    """
    kind = "an integer" if integer else "a finite number"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral if integer else Real):
        raise TypeError(f"{name} must be {kind}, got {value!r} of type {type(value).__name__}.")
    number = float(value)
    above = number > low if strict else number >= low
    if not (above and number < high):
        upper = "" if high == np.inf else f" and < {high:g}"
        relation = ">" if strict else ">="
        raise ValueError(f"{name} must be {kind} {relation} {low:g}{upper}, got {value!r}.")


def check_names(names: Iterable[Any]) -> None:
    """Raise ``TypeError`` unless every name of a modality is a string."""
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"modality names must be strings, got {name!r}.")


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
            f"together; {listed}. For data paired by class use mibsk.ClassPairs."
        )
    return next(iter(lengths.values()))


def as_rows(name: str, X: Any) -> Any:
    """Return `X` as something with a shape whose rows can be indexed by an array.

    Tables (pandas, polars) and torch tensors become arrays, lists become arrays, sparse formats
    become CSR; arrays and memory maps pass as they are.
    """
    n_rows(name, X)
    if sp.issparse(X):
        if X.ndim != 2:
            raise ValueError(
                f"modality {name!r} must be a sparse matrix of two dimensions, got shape {X.shape}."
            )
        return X.tocsr()
    if isinstance(X, np.ndarray):
        return X
    if hasattr(X, "detach"):  # a torch tensor, without importing torch
        X = X.detach().cpu()
        return (X.float() if str(X.dtype) == "torch.bfloat16" else X).numpy()  # NumPy has none
    if hasattr(X, "to_numpy"):
        return X.to_numpy()
    try:
        return np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"modality {name!r} must have rows of one shape, got a list of unequal ones: {error}. "
            "Pad or crop them first."
        ) from error


def is_text(X: Any) -> bool:
    """Whether `X` is a 1-d array of strings."""
    if sp.issparse(X) or X.ndim != 1:
        return False
    if X.dtype.kind == "U":
        return True
    return X.dtype.kind == "O" and all(isinstance(value, str) for value in X)


def as_dense(name: str, X: np.ndarray) -> np.ndarray:
    """Return `X` (n, ...) as uint8 or float32, finite; a 1-d array becomes one column.

    uint8 stays uint8 (pixels: a quarter of the memory), booleans become uint8, every other number
    float32. A memory map comes back as it is, once it has been checked.

    Raises
    ------
    TypeError
        If `X` holds no real numbers.
    ValueError
        If an axis is empty, or a value is NaN, infinite, or too large for float32.
    """
    if X.dtype.kind == "O":
        try:
            X = X.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"modality {name!r} must hold numbers, or strings alone; got values of mixed types "
                f"({error}). Encode categories first, e.g. with OneHotEncoder."
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
    if isinstance(X, np.memmap):
        for start in range(0, len(X), _CHUNK):
            chunk = np.asarray(X[start : start + _CHUNK])
            check_finite(name, to_float32(chunk), start, original=chunk)
        return X
    if X.dtype.kind == "b":
        X = X.astype(np.uint8)
    if X.dtype not in _INTERNAL_DTYPES:
        converted = to_float32(X)
        check_finite(name, converted, original=X)
        return converted
    check_finite(name, X)
    return X


_CHUNK = 4096  # rows read at a time from a memory map


def to_float32(X: Any) -> Any:
    """Return a float32 copy, in which values out of range are infinite; no warning."""
    with np.errstate(over="ignore"):
        return X.astype(np.float32)


def check_finite(name: str, X: Any, first_row: int = 0, *, original: Any = None) -> None:
    """Raise ``ValueError`` with modality and row of the first value that is not finite.

    Parameters
    ----------
    name : str
        Name of the modality.
    X : ndarray (n, ...) or CSR matrix (n, d)
        Rows to check.
    first_row : int, default=0
        Number of the first of them.
    original : ndarray or CSR matrix, default=None
        What `X` was before it became float32, with its values in the same places.
    """
    original = X if original is None else original
    values, seen = (X.data, original.data) if sp.issparse(X) else (X, original)
    if values.dtype.kind != "f":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum(dtype=values.dtype)):  # one pass, no mask
            return
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    if sp.issparse(X):
        rows = np.unique(np.searchsorted(X.indptr, np.flatnonzero(bad), side="right") - 1)
    else:
        rows = np.flatnonzero(bad.reshape(len(X), -1).any(axis=1))
    value = seen[bad][0]
    what = "NaN" if np.isnan(value) else "infinity" if np.isinf(value) else None
    raise ValueError(
        f"modality {name!r} contains {what or 'a value too large for float32'} (first at row "
        f"{int(rows[0]) + first_row}; {len(rows)} row(s) affected). Impute or drop such rows "
        "first: NaN and infinity cannot be embedded."
    )
