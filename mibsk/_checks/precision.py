"""Columns whose values float32, in which encoders compute, cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.memory_map import file_rows, read_chunks

FRACTION = 1e-2  # of the standard deviation of a column, that rounding may change
KEPT = 0.75  # of the distinct integers of a column, that must remain distinct
NOISE = 1e-12  # spread, relative to the largest value, that rounding errors of float64 can have
N_WIDE, WIDE = 8, 1e3  # so many columns of the same magnitude that vary so many times more
HALF_UNIT = 2.0**-24  # largest relative error of rounding to float32

_CHUNK_VALUES = 2**17  # 1 MiB of float64, which fit in the cache
_SAMPLE_VALUES = 2**22  # 32 MiB of float64
_LARGEST_SAMPLE, _SMALLEST_SAMPLE = 2**16, 64  # rows


def check_precision(name: str, X: np.ndarray, columns: Sequence[Any] = ()) -> None:
    r"""Raise ``ValueError`` if float32 cannot tell the values of a column apart.

    Such a column has a spread that is small against its values, as Unix times of one hour have:
    rounding to float32 changes its values by more than a hundredth of their standard deviation
    (root mean square), or merges a quarter of its distinct values, if these are integers. Not
    refused are

    - values that float32 represents exactly;
    - spreads as small as rounding errors of float64: such a column is constant;
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
    suspects = varies & (magnitude * HALF_UNIT > FRACTION * least_deviation)
    # more rows than float32 has numbers between the extremes
    crowded = varies & (magnitude >= 1 / HALF_UNIT) & (span < len(X) * 2 * HALF_UNIT * magnitude)
    for j in map(int, np.flatnonzero(suspects | crowded)):
        alike = (magnitude >= magnitude[j] / 10) & (magnitude <= magnitude[j] * 10)
        if np.count_nonzero(alike & (span >= WIDE * span[j])) >= N_WIDE:
            continue
        if _loses_spread(X, j, least_deviation[j]) or (crowded[j] and _merges(X, j)):
            unit = np.spacing(np.float32(magnitude[j]))
            differ = int(high[j]) - int(low[j]) if kind in "iu" else span[j]
            raise ValueError(
                f"{_column(j, X.shape[1:], columns)} of modality {name!r} has values up to "
                f"{magnitude[j]:.8g} in size that differ by at most {differ:.4g}, but float32, in "
                f"which encoders compute, rounds them to multiples of {unit:.4g}. Subtract a "
                "constant first, in fit and later, e.g. with StandardScaler in front; or encode "
                "ids as categories."
            )


def _extremes(X: np.ndarray) -> tuple[NDArray, NDArray]:
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


def _loses_spread(X: np.ndarray, j: int, least_deviation: float) -> bool:
    """Whether rounding changes a column by more than `FRACTION` of its standard deviation."""
    n = min(max(_SAMPLE_VALUES // prod(X.shape[1:]), _SMALLEST_SAMPLE), _LARGEST_SAMPLE)
    values = _values(X, j, max(1, len(X) // n))
    exact = _differences(values)
    rounded = values.astype(np.float32).astype(np.float64)
    lost = exact - (rounded - rounded[values.argmin()])
    return bool(lost.std() > FRACTION * max(exact.std(), least_deviation))


def _merges(X: np.ndarray, j: int) -> bool:
    """Whether a column holds integers, of which fewer than `KEPT` remain distinct."""
    values = _values(X, j)
    if values.dtype.kind == "f" and not np.array_equal(values, np.floor(values)):
        return False
    n_kept = len(np.unique(values.astype(np.float32)))
    return n_kept < KEPT * len(values) and n_kept < KEPT * len(np.unique(values))


def _values(X: np.ndarray, j: int, step: int = 1) -> np.ndarray:
    """Return the values (n,) of one column, of every row or of one in `step`."""
    position: Any = (slice(None), *np.unravel_index(j, X.shape[1:]))
    if step > 1:
        return np.asarray(file_rows(X)[np.arange(0, len(X), step)])[position]
    n_rows = max(1, _CHUNK_VALUES // prod(X.shape[1:]))
    return np.concatenate([rows[position] for _, rows in read_chunks(X, n_rows)])


def _differences(values: np.ndarray) -> NDArray[np.float64]:
    """Return the differences of values (n,) from the smallest, those of integers exact."""
    if values.dtype.kind == "f":
        return (values - values.min()).astype(np.float64)
    words = values.astype(values.dtype.newbyteorder("=")).astype(np.int64, copy=False)
    return (words.view(np.uint64) - words.view(np.uint64)[values.argmin()]).astype(np.float64)


def _column(j: int, shape: tuple[int, ...], columns: Sequence[Any]) -> str:
    if len(shape) > 1:
        return f"position {tuple(map(int, np.unravel_index(j, shape)))} of the rows"
    return f"column {columns[j]!r}" if columns else f"column {j}"
