"""Means and centred rows, in chunks of rows, for sums of products."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike

from .._checks.blocks import chunks
from .._checks.devices import FloatMatrix, Matrix, as_double, on_accelerator, to_numpy
from .._checks.magnitudes import in_range, largest_magnitude
from .._checks.matrices import as_pair
from .undefined import UndefinedMetricError

IN_CACHE = 2**16  # values of a block: memory outside the cache costs more than the arithmetic
ROWS_AT_LEAST = 2048  # of a block, so that adding up the products costs less than making them


def column_means(X: Matrix) -> FloatMatrix:
    """Return the mean of each column (d,), in float64."""
    means: FloatMatrix = to_numpy(_mean_row(X, 0 * X[:1])[0])
    return means


def centred_chunks(X: Matrix, Y: Matrix) -> Iterator[tuple[Matrix, Matrix]]:
    """Yield the rows of both, minus their means, in new float64 blocks with equally many rows.

    The first row is subtracted before anything is added up, so that equal rows become exactly 0.
    """
    step = max(ROWS_AT_LEAST, IN_CACHE // max(X.shape[1], Y.shape[1]))
    if len(X) <= step:
        yield centred(X), centred(Y)
        return
    first_x, first_y = as_double(X[:1]), as_double(Y[:1])
    mean_x, mean_y = _mean_row(X, first_x), _mean_row(Y, first_y)
    for x, y in zip(chunks(X, step), chunks(Y, step), strict=True):
        x, y = as_double(x) - first_x, as_double(y) - first_y
        x -= mean_x
        y -= mean_y
        yield x, y


def centred(X: Matrix) -> Matrix:
    """Return all rows, minus their mean, in a new matrix of float64."""
    xp = array_namespace(X)
    first = as_double(X[:1])
    if on_accelerator(X):
        rows = xp.astype(X, first.dtype, copy=True)
    else:  # the same order in memory, and so the same rounding, for any
        rows = np.array(X, dtype=np.float64, order="C")
    rows -= first  # equal rows become exactly 0
    rows -= xp.mean(rows, axis=0, keepdims=True)
    return rows


def _mean_row(X: Matrix, origin: Matrix) -> Matrix:
    """Return the mean of the rows minus an origin: (1, d)."""
    xp = array_namespace(X)
    parts = [xp.sum(as_double(part) - origin, axis=0, keepdims=True) for part in chunks(X)]
    return sum(parts[1:], start=parts[0]) / len(X)


def unit(X: Matrix) -> float:
    """Return the power of two that scales values to about 1, so that fourth powers are in range."""
    return 2.0 ** -float(np.frexp(largest_magnitude(X) or 1.0)[1])


def sums_of_parts(drawn: FloatMatrix, X: Matrix) -> FloatMatrix:
    """Return the sums of the rows drawn, (r, d), from 1 or 0 of each, (r, n), and rows (n, d)."""
    sums, start = np.zeros((len(drawn), X.shape[1])), 0
    for part in chunks(X):
        sums += drawn[:, start : start + len(part)] @ part
        start += len(part)
    return sums


def narrow(X: Matrix) -> Matrix:
    """Return rows with at most n columns that equal `X` up to a shift and a rotation."""
    if X.shape[1] <= len(X):
        return X
    xp = array_namespace(X)
    return xp.linalg.qr((as_double(X) - as_double(X[:1])).T)[1].T  # (n, n)


def check_varies(X: Matrix, name: str, metric: str) -> None:
    """Raise if all rows are equal."""
    few_at_first = itertools.chain(chunks(X[:1000]), chunks(X[1000:]) if len(X) > 1000 else ())
    if not any(bool((part != X[:1]).any()) for part in few_at_first):
        raise UndefinedMetricError(
            f"{metric} is undefined: all {len(X)} rows of {{{name}}} are equal; pass rows that "
            f"vary."
        )


def as_varying_pair(X: ArrayLike, Y: ArrayLike, metric: str) -> tuple[Matrix, Matrix]:
    """Return two matrices whose rows are pairs and vary, for a metric that ignores scale."""
    X, Y = as_pair(X, Y)
    check_varies(X, "X", metric)
    check_varies(Y, "Y", metric)
    return in_range(X), in_range(Y)
