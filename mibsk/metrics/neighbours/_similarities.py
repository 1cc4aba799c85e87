"""Inner products of many pairs of rows: coarse in float32, exact for the pairs in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..._checks.matrices import CHUNK_SIZE, Matrix, in_range, namespace, on_accelerator, to_numpy

ROWS_AT_LEAST = 128  # of a tile: fewer make the matrix product slow
TILE_AT_MOST = 2**24  # scores in a tile of so many rows: 64 MiB of float32
TILE_IN_CACHE = 2**19
TILE_ON_ACCELERATOR = 2**26


class Scores:
    r"""Inner products of queries (rows of ``X``) with a gallery (rows of ``Y``).

    :meth:`coarse` gives tiles of :math:`s_{ij} = x_i \cdot y_j / (\|x_i\| \max_j \|y_j\|)` in
    float32. By the error bound of inner products [1]_ each lies within :attr:`slack` of the truth,
    so that only the pairs nearer than that to a threshold must be looked at again, by
    :meth:`exact`. Scaling a query changes no order of its gallery.

    Parameters
    ----------
    X : array or tensor of shape (n, d)
        Queries.
    Y : array or tensor of shape (m, d)
        Gallery, on the same device.

    References
    ----------
    .. [1] Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM 2002, (3.5).
    """

    def __init__(self, X: Matrix, Y: Matrix) -> None:
        self.X, self.Y = in_range(X), in_range(Y)
        norms = row_norms(self.X)
        gallery_norms = norms if Y is X else row_norms(self.Y)
        largest = float(gallery_norms.max()) or 1.0
        self.unit = norms * largest  # what one unit of a coarse score is, per query
        xp = namespace(self.X)
        self.queries = _scaled(self.X, xp.where(norms == 0, xp.ones_like(norms), norms))
        gallery = _scaled(self.Y, largest * xp.ones_like(gallery_norms))
        self.gallery = xp.asarray(gallery.T, copy=True)  # (d, m)
        self._tile = np.empty(0, dtype=np.float32)
        self.slack = 1.01 * (X.shape[1] + 4) * 2.0**-24

    def coarse(self, rows: Any, columns: slice = slice(None)) -> Matrix:
        """Return scores of some queries with some of the gallery, in float32.

        They last until the next call: a fresh array for each tile would take longer to get from the
        system than to fill.
        """
        queries, gallery = self.queries[rows], self.gallery[:, columns]
        if on_accelerator(self.X):
            return queries @ gallery
        shape = len(queries), gallery.shape[1]
        if self._tile.size < shape[0] * shape[1]:
            self._tile = np.empty(shape[0] * shape[1], dtype=np.float32)
        tile: Matrix = self._tile[: shape[0] * shape[1]].reshape(shape)
        return np.matmul(queries, gallery, out=tile)

    def tiles(self, n_rows: int, n_columns: int) -> Iterator[slice]:
        """Cut rows so that tiles of coarse scores are large enough to be fast, and bounded."""
        if on_accelerator(self.X):
            step = max(1, TILE_ON_ACCELERATOR // n_columns)
        else:
            step = max(TILE_IN_CACHE // n_columns, min(ROWS_AT_LEAST, TILE_AT_MOST // n_columns), 1)
        for start in range(0, n_rows, step):
            yield slice(start, min(start + step, n_rows))

    def exact(self, rows: Matrix, columns: Matrix) -> Matrix:
        """Return the inner products, unscaled, of pairs of a query and a row of the gallery.

        Equal rows have equal products, whatever else is computed with them.
        """
        xp = namespace(self.X)
        step = max(1, CHUNK_SIZE // self.X.shape[1])
        parts = [
            xp.vecdot(
                as_double(self.X[rows[start : start + step]]),
                as_double(self.Y[columns[start : start + step]]),
            )
            for start in range(0, max(len(rows), 1), step)
        ]
        return xp.concat(parts)


def as_double(X: Any) -> Any:
    """Return `X` in float64, also on an accelerator that has it."""
    xp = namespace(X)
    if on_accelerator(X) and X.device.type == "mps":
        return X
    return xp.astype(X, xp.float64, copy=False)


def row_norms(X: Matrix) -> Any:
    """Return the Euclidean norm of each row, (n,), in float64."""
    xp = namespace(X)
    step = max(1, CHUNK_SIZE // X.shape[1])
    parts = [squared_norms(as_double(X[start : start + step])) for start in range(0, len(X), step)]
    return xp.sqrt(xp.concat(parts))


def squared_norms(X: Matrix) -> Any:
    """Return the squared Euclidean norm of each row, (n,)."""
    return namespace(X).vecdot(X, X)


def count_rows(mask: Any) -> Any:
    """Return how many entries of each row are true, as a NumPy array."""
    if isinstance(mask, np.ndarray):
        return np.bitwise_count(np.packbits(mask, axis=1)).sum(axis=1, dtype=np.int64)
    return to_numpy(mask.sum(axis=1))


def _scaled(X: Matrix, by: Matrix) -> Matrix:
    """Return the rows of `X` divided each by its own number, in float32."""
    xp = namespace(X)
    scaled = xp.empty(tuple(X.shape), dtype=xp.float32, device=X.device)
    step = max(1, CHUNK_SIZE // X.shape[1])
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        scaled[rows] = xp.astype(as_double(X[rows]) / by[rows, None], xp.float32)
    return scaled
