"""Means and centred rows, of which sums of products are made, in chunks of rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from .._checks.matrices import FloatMatrix, Matrix, chunks, namespace, to_numpy
from .neighbours._similarities import as_double

IN_CACHE = 2**16  # values of a block: new memory costs more than what is computed in it
ROWS_AT_LEAST = 512  # of a block: their product is then no more work to add up than to make


def column_means(X: Matrix) -> FloatMatrix:
    """Return the mean of each column (d,), in float64."""
    means: FloatMatrix = to_numpy(_mean_row(X, 0 * X[:1])[0])
    return means


def centred_chunks(X: Matrix, Y: Matrix) -> Iterator[tuple[Matrix, Matrix]]:
    """Yield the rows of both, less their means, in new blocks of float64 of as many rows.

    The first row is taken off before anything is added up: equal rows become exactly 0.
    """
    step = max(ROWS_AT_LEAST, IN_CACHE // max(X.shape[1], Y.shape[1]))
    first_x, first_y = as_double(X[:1]), as_double(Y[:1])
    mean_x, mean_y = _mean_row(X, first_x), _mean_row(Y, first_y)
    for x, y in zip(chunks(X, step), chunks(Y, step), strict=True):
        x, y = as_double(x) - first_x, as_double(y) - first_y
        x -= mean_x
        y -= mean_y
        yield x, y


def centred(X: Matrix) -> Matrix:
    """Return all rows, less their mean, in a new matrix of float64."""
    rows = as_double(X) - as_double(X[:1])
    rows -= namespace(X).mean(rows, axis=0, keepdims=True)
    return rows


def _mean_row(X: Matrix, origin: Matrix) -> Matrix:
    """Return the mean of the rows, counted from an origin: shape (1, d)."""
    xp = namespace(X)
    parts = [xp.sum(as_double(part) - origin, axis=0, keepdims=True) for part in chunks(X)]
    return sum(parts[1:], start=parts[0]) / len(X)


def narrow(X: Matrix) -> Matrix:
    """Return rows of at most n columns that are equal to `X` but for a shift and a rotation."""
    if X.shape[1] <= len(X):
        return X
    xp = namespace(X)
    return xp.linalg.qr((as_double(X) - as_double(X[:1])).T)[1].T  # (n, n)


def check_varies(X: Matrix, name: str, metric: str) -> None:
    """Raise if all rows are equal."""
    few_at_first = itertools.chain(chunks(X[:1000]), chunks(X[1000:]) if len(X) > 1000 else ())
    if not any(bool((part != X[:1]).any()) for part in few_at_first):
        raise ValueError(
            f"{metric} is undefined: all {len(X)} rows of {name} are equal; pass rows that vary"
        )
