"""Inner products of all pairs of rows in float32, and in float64 for the pairs that matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from ..._checks.blocks import CHUNK_SIZE
from ..._checks.devices import Matrix, as_double, on_accelerator, to_numpy
from ..._checks.magnitudes import in_range
from ..rows import row_norms

ROWS_AT_LEAST = 128  # of a tile: with fewer the matrix product is slow
TILE_AT_MOST = 2**24  # scores in a tile of so many rows: 64 MiB of float32
TILE_IN_CACHE = 2**19
TILE_ON_ACCELERATOR = 2**26


class InnerProducts:
    r"""Inner products of queries (rows of `X`) with a gallery (rows of `Y`).

    :meth:`coarse` gives tiles of :math:`s_{ij} = x_i \cdot y_j / (\|x_i\| \max_j \|y_j\|)` in
    float32. By the error bound of inner products [1]_ each is within :attr:`slack` of the exact
    value, so that only pairs nearer than that to a threshold must be computed again, by
    :meth:`exact`. Scaling a query does not change the order of its gallery.

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
        self.unit = norms * largest  # (n,): exact score = coarse score * unit
        xp = array_namespace(self.X)
        self.queries = _scaled(self.X, xp.where(norms == 0, xp.ones_like(norms), norms))
        gallery = _scaled(self.Y, largest * xp.ones_like(gallery_norms))
        self.gallery = xp.asarray(gallery.T, copy=True)  # (d, m)
        self._tile = np.empty(0, dtype=np.float32)
        self.slack = 1.01 * (X.shape[1] + 4) * 2.0**-24

    def coarse(self, rows: Any, columns: slice = slice(None)) -> Matrix:
        """Return scores of some queries with some of the gallery, in float32.

        The result, (t, m), is overwritten by the next call: allocating an array for each tile takes
        longer than filling it.
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
        """Cut rows into tiles of coarse scores that are large enough to be fast, and bounded."""
        if on_accelerator(self.X):
            step = max(1, TILE_ON_ACCELERATOR // n_columns)
        else:
            step = max(TILE_IN_CACHE // n_columns, min(ROWS_AT_LEAST, TILE_AT_MOST // n_columns), 1)
        for start in range(0, n_rows, step):
            yield slice(start, min(start + step, n_rows))

    def exact(self, rows: Matrix, columns: Matrix) -> Matrix:
        """Return the unscaled inner products of pairs of a query and a gallery row, (n_pairs,).

        Equal rows have equal products, whatever other pairs are computed with them.
        """
        xp = array_namespace(self.X)
        step = max(1, CHUNK_SIZE // self.X.shape[1])
        parts = [
            xp.vecdot(
                as_double(self.X[rows[start : start + step]]),
                as_double(self.Y[columns[start : start + step]]),
            )
            for start in range(0, max(len(rows), 1), step)
        ]
        return xp.concat(parts)


def count_rows(mask: Any) -> Any:
    """Return how many entries of each row are true, (n,), as a NumPy array."""
    if isinstance(mask, np.ndarray):
        return np.bitwise_count(np.packbits(mask, axis=1)).sum(axis=1, dtype=np.int64)
    return to_numpy(mask.sum(axis=1))


def _scaled(X: Matrix, by: Matrix) -> Matrix:
    """Return the rows of `X`, each divided by its own number in `by` (n,), in float32."""
    xp = array_namespace(X)
    scaled = xp.empty(tuple(X.shape), dtype=xp.float32, device=X.device)
    step = max(1, CHUNK_SIZE // X.shape[1])
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        scaled[rows] = xp.astype(as_double(X[rows]) / by[rows, None], xp.float32)
    return scaled
