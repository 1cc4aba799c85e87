"""Means and centred rows, of which sums of products are made, in chunks of rows."""

from __future__ import annotations

from collections.abc import Iterator

from . import _arrays
from ._arrays import FloatMatrix, Matrix, chunks, namespace, to_numpy
from ._scores import as_double


def column_means(X: Matrix) -> FloatMatrix:
    """Return the mean of each column (d,), in float64."""
    means: FloatMatrix = to_numpy(mean_row(X, 0 * X[:1])[0])
    return means


def centred_chunks(X: Matrix, Y: Matrix) -> Iterator[tuple[Matrix, Matrix]]:
    """Yield the rows of both, less their means, in blocks of float64 of as many rows.

    The first row is taken off before anything is added up: equal rows become exactly 0.
    """
    step = max(1, _arrays.CHUNK_SIZE // max(X.shape[1], Y.shape[1]))
    first_x, first_y = as_double(X[:1]), as_double(Y[:1])
    mean_x, mean_y = mean_row(X, first_x), mean_row(Y, first_y)
    for x, y in zip(chunks(X, step), chunks(Y, step), strict=True):
        yield as_double(x) - first_x - mean_x, as_double(y) - first_y - mean_y


def centred(X: Matrix) -> Matrix:
    """Return all rows, less their mean, in float64."""
    first = as_double(X[:1])
    return as_double(X) - first - mean_row(X, first)


def mean_row(X: Matrix, origin: Matrix) -> Matrix:
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
    if not any(bool((part != X[:1]).any()) for part in chunks(X)):
        raise ValueError(
            f"{metric} is undefined: all {len(X)} rows of {name} are equal; pass rows that vary"
        )
