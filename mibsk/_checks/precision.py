"""Columns whose values float32, in which encoders compute, cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.memory_map import read_chunks

FRACTION = 1e-2  # of the standard deviation of a column, that rounding may change
NOISE = 1e-12  # spread, relative to the largest value, that rounding errors of float64 can have
SMALL = 1e3  # size below which a column may be constant; years, days and seconds are larger
N_WIDE, WIDE = 8, 1e3  # so many columns of the same magnitude that vary so many times more
UNIT = 2.0**-23  # largest distance of two float32 numbers, relative to their size

_CHUNK_VALUES = 2**17  # 1 MiB of float64, which fit in the cache


def check_precision(name: str, X: np.ndarray | _DenseColumns, columns: Sequence[Any] = ()) -> None:
    r"""Raise ``ValueError`` if float32 cannot tell the values of a column apart.

    Such a column has a spread that is small against its values, as Unix times of one hour have:
    rounding to float32 changes its values by more than a hundredth of their standard deviation
    (root mean square). The number of rows does not matter. Not refused are

    - values that float32 represents exactly;
    - spreads as small as rounding errors of float64: such a column is constant;
    - values below 1000 in size whose standard deviation is at most one float32 epsilon of that
      size, such as probabilities of almost 1: the column is constant in practice, and the scaling
      of the encoder only centres it. Larger values can be times, whose differences matter;
    - a column that hardly varies beside several of the same magnitude that vary 1000 times as
      much, such as the background of images.

    Parameters
    ----------
    name : str
        Name of the modality.
    X : ndarray (n, ...)
        Its rows in `fit`, before their conversion, all finite.
    columns : sequence of str or int, default=()
        Names or numbers of the columns, if known.
    """
    kind, size = X.dtype.kind, X.dtype.itemsize
    if not ((kind == "f" and size > 4) or (kind in "iu" and size >= 4)) or len(X) < 2:
        return
    low, high = _extremes(X)
    magnitude = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
    span = high.astype(np.float64) - low.astype(np.float64)  # of close integers not exact
    varies = (low < high) & (span > NOISE * magnitude if kind == "f" else True)
    least_deviation = span / np.sqrt(2 * len(X))  # of values with this span
    suspects = np.flatnonzero(varies & (magnitude * UNIT / 2 > FRACTION * least_deviation))
    if not len(suspects):
        return
    deviation, lost = _deviations(X, suspects, low[suspects])
    constant = (magnitude[suspects] < SMALL) & (deviation <= UNIT * magnitude[suspects])
    for j in map(int, suspects[(lost > FRACTION * deviation) & ~constant]):
        alike = (magnitude >= magnitude[j] / 10) & (magnitude <= magnitude[j] * 10)
        if np.count_nonzero(alike & (span >= WIDE * span[j])) >= N_WIDE:
            continue
        unit = np.spacing(np.float32(magnitude[j]))
        differ = int(high[j]) - int(low[j]) if kind in "iu" else span[j]
        raise ValueError(
            f"{_column(j, X.shape[1:], columns)} of modality {name!r} has values up to "
            f"{magnitude[j]:.8g} in size that differ by at most {differ:.4g}, but float32, in "
            f"which encoders compute, rounds them to multiples of {unit:.4g}. Subtract a "
            "constant first, in fit and later, e.g. with StandardScaler in front; or encode "
            "ids as categories."
        )


def check_sparse_precision(name: str, X: Any) -> None:
    """Do the same for a CSR matrix (n, d): for its columns without zeros, in parts of bounded size.

    The spread of a column that has zeros is as large as its values.
    """
    full = np.flatnonzero(np.bincount(X.indices, minlength=X.shape[1]) >= X.shape[0])
    if len(full):
        check_precision(name, _DenseColumns(X, full), full.tolist())


class _DenseColumns:
    """Columns of a CSR matrix, of which only the rows asked for become dense."""

    def __init__(self, X: Any, columns: NDArray[np.intp]) -> None:
        self._X, self._columns = X, columns
        self.shape, self.dtype = (X.shape[0], len(columns)), X.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self._X[rows][:, self._columns].toarray()


def _extremes(X: np.ndarray | _DenseColumns) -> tuple[NDArray, NDArray]:
    """Return the smallest and the largest value of each column of the flattened rows."""
    n_columns = prod(X.shape[1:])
    low = high = None
    for _, rows in read_chunks(X, max(1, _CHUNK_VALUES // n_columns)):
        flat = rows.reshape(len(rows), -1)
        lowest, highest = flat.min(axis=0), flat.max(axis=0)
        low = lowest if low is None else np.minimum(low, lowest)
        high = highest if high is None else np.maximum(high, highest)
    assert low is not None
    assert high is not None
    return low, high


def _deviations(
    X: np.ndarray | _DenseColumns, columns: NDArray[np.intp], low: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the standard deviations of columns, and of what rounding to float32 changes them.

    Parameters
    ----------
    X : ndarray (n, ...)
        All rows.
    columns : ndarray (k,)
        Numbers of columns of the flattened rows.
    low : ndarray (k,)
        Their smallest values. Sums are of differences from these, which are exact.
    """
    n_columns = prod(X.shape[1:])
    rounded_low = low.astype(np.float32).astype(np.float64)
    sums = np.zeros((4, len(columns)))
    for _, rows in read_chunks(X, max(1, _CHUNK_VALUES // n_columns)):
        values = rows.reshape(len(rows), -1)
        if len(columns) < n_columns:
            values = values[:, columns]
        exact = _differences(values, low)
        lost = values.astype(np.float32).astype(np.float64)
        lost -= rounded_low
        lost -= exact
        for i, part in enumerate((exact, lost)):
            sums[2 * i] += part.sum(axis=0)
            sums[2 * i + 1] += np.einsum("ij,ij->j", part, part)
    sums /= len(X)
    variances = sums[1::2] - np.square(sums[::2])
    deviation, lost_deviation = np.sqrt(np.maximum(variances, 0))
    return deviation, lost_deviation


def _differences(values: NDArray, low: NDArray) -> NDArray[np.float64]:
    """Return the differences of values (n, k) from the smallest (k,), those of integers exact."""
    if values.dtype.kind == "f":
        return (values - low).astype(np.float64, copy=False)
    return (_words(values) - _words(low)).astype(np.float64)


def _words(values: NDArray) -> NDArray[np.uint64]:
    """Return integers as uint64, modulo 2**64."""
    return values.astype(values.dtype.newbyteorder("="), copy=False).astype(np.uint64, copy=False)


def _column(j: int, shape: tuple[int, ...], columns: Sequence[Any]) -> str:
    if len(shape) > 1:
        return f"position {tuple(map(int, np.unravel_index(j, shape)))} of the rows"
    return f"column {columns[j]!r}" if columns else f"column {j}"
