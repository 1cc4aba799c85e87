"""Rows of an array or a tensor: some of them, their norms, and rows of length 1."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from .._checks.blocks import CHUNK_SIZE
from .._checks.devices import Matrix, as_double, double


def unit_rows(X: Matrix) -> Matrix:
    """Return rows scaled to length 1, of the same dtype; a row of zeros stays 0.

    Examples
    --------
    >>> import numpy as np
    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    xp = array_namespace(X)
    scaled = xp.empty_like(X)
    step = max(1, CHUNK_SIZE // X.shape[1])
    for start in range(0, len(X), step):
        part = double(X[start : start + step])
        largest = xp.max(xp.abs(part), axis=1, keepdims=True)  # its square may over- or underflow
        part = part / xp.where(largest > 0, largest, xp.ones_like(largest))
        length = xp.sqrt(xp.sum(part * part, axis=1, keepdims=True))
        part = part / xp.where(length > 0, length, xp.ones_like(length))
        scaled[start : start + step] = xp.astype(part, scaled.dtype)
    return scaled


def row_norms(X: Matrix) -> Any:
    """Return the Euclidean norm of each row, (n,), in float64."""
    xp = array_namespace(X)
    step = max(1, CHUNK_SIZE // X.shape[1])
    parts = [squared_norms(as_double(X[start : start + step])) for start in range(0, len(X), step)]
    return xp.sqrt(xp.concat(parts))


def squared_norms(X: Matrix) -> Any:
    """Return the squared Euclidean norm of each row, (n,)."""
    return array_namespace(X).vecdot(X, X)


def take_rows(array: Any, rows: NDArray[np.integer[Any]]) -> Any:
    """Return some rows of an array or of a tensor on any device."""
    if isinstance(array, np.ndarray):
        return array[rows]
    xp = array_namespace(array)
    numbers = xp.asarray(np.asarray(rows, dtype=np.int64), device=array.device)
    return xp.take(array, numbers, axis=0)
