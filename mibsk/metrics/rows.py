"""Rows of matrices: chosen ones, and rows scaled to length 1."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks.matrices import CHUNK_SIZE, Matrix, double, namespace


def unit_rows(X: Matrix) -> Matrix:
    """Return rows of length 1, of the same type; a row of zeros stays one.

    Examples
    --------
    >>> import numpy as np
    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    xp = namespace(X)
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


def take_rows(array: Any, rows: NDArray[np.intp]) -> Any:
    """Return some rows of an array or of a tensor on any device."""
    if isinstance(array, np.ndarray):
        return array[rows]
    xp = namespace(array)
    return xp.take(array, xp.asarray(rows, device=array.device), axis=0)
