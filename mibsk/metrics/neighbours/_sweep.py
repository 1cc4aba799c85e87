"""Candidates for the nearest neighbours of all rows, from one half of the matrix of scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._checks.blocks import CHUNK_SIZE
from ..._checks.devices import Matrix, as_double
from ..rows import row_norms

SIDE = 1024  # rows and columns of a tile of scores: 4 MiB of float32, which stay in the cache
ROOM = 32  # candidates beyond 2 k that are kept for a row
FREE = 16  # of this room, after only those that matter are kept; less is too little
UNDERFLOW = 2.0**-120  # more than what a product loses below the range of float32


class Candidates(NamedTuple):
    """Columns that may be among the `k` nearest of some rows, with scores in float32."""

    rows: NDArray[np.intp]  # numbers of the rows (t,)
    queries: NDArray[np.intp]  # row of each candidate, from 0
    columns: NDArray[np.intp]
    scores: NDArray[np.float64]
    margins: NDArray[np.float64]  # (t,): scores of a row that differ by more are in order


class HalfSweep:
    r"""Scores of all pairs of rows in float32, each computed once, and the largest of each row.

    The matrix of inner products is symmetric, so a tile of it above the diagonal serves its rows
    and its columns. Of the scores so far, those of a row are kept that may be among its `k`
    largest: all within twice the error bound from the k-th largest so far. Rows are taken in
    random order, so that few scores are added once some tiles have been seen.

    Parameters
    ----------
    X : array (n, d)
        Rows, which `in_range` returns.
    k : int
        Number of neighbours.

    Attributes
    ----------
    crowded : ndarray of int
        Numbers of the rows with too many nearly equal scores, whose candidates are not known.
    """

    def __init__(self, X: Matrix, k: int) -> None:
        self._k, n = k, len(X)
        self._order = np.random.default_rng(0).permutation(n)
        norms = row_norms(X)
        largest = float(norms.max()) or 1.0
        self._unit = largest**2
        self._rows = np.empty(X.shape, dtype=np.float32)
        step = max(1, CHUNK_SIZE // X.shape[1])
        for start in range(0, n, step):
            some = self._order[start : start + step]
            self._rows[start : start + step] = as_double(X[some]) / largest
        error = 1.01 * (X.shape[1] + 4) * 2.0**-24  # as in InnerProducts
        margins = 2 * error * norms[self._order] / largest + X.shape[1] * UNDERFLOW
        self._margins = margins.astype(np.float32)
        size = min(2 * k + ROOM, n + FREE)
        self._values = np.full((n, size), -np.inf, dtype=np.float32)
        self._columns = np.zeros((n, size), dtype=np.int32)
        self._counts = np.zeros(n, dtype=np.int64)
        self._least = np.full(n, -np.inf, dtype=np.float32)  # smaller scores do not matter
        self._sweep()
        self.crowded = self._order[np.isposinf(self._least)]

    def __iter__(self) -> Iterator[Candidates]:
        """Yield the candidates of all rows but crowded ones, some rows at a time."""
        for part in self._blocks():
            known = ~np.isposinf(self._least[part])
            there = (np.arange(self._values.shape[1]) < self._counts[part, None]) & known[:, None]
            queries, places = np.nonzero(there)
            numbers = np.cumsum(known) - 1
            yield Candidates(
                self._order[part][known],
                numbers[queries],
                self._order[self._columns[part][queries, places]],
                self._unit * self._values[part][queries, places].astype(np.float64),
                self._unit * self._margins[part][known].astype(np.float64),
            )

    def _blocks(self) -> list[slice]:
        n = len(self._order)
        return [slice(start, min(start + SIDE, n)) for start in range(0, n, SIDE)]

    def _sweep(self) -> None:
        """Compute all tiles on and above the diagonal."""
        blocks = self._blocks()
        seen = np.zeros(len(blocks), dtype=np.int64)  # tiles of the rows of each block
        scores = np.empty(min(SIDE, len(self._order)) ** 2, dtype=np.float32)
        transposed = np.ascontiguousarray(self._rows.T)
        for i, rows in enumerate(blocks):
            for j, columns in enumerate(blocks[i:], start=i):
                shape = rows.stop - rows.start, columns.stop - columns.start
                tile = scores[: shape[0] * shape[1]].reshape(shape)
                np.matmul(self._rows[rows], transposed[:, columns], out=tile)
                if i == j:
                    np.fill_diagonal(tile, -np.inf)
                self._add(tile, rows, columns, first=not seen[i])
                if i != j:
                    self._add(tile.T, columns, rows, first=not seen[j])
                for block in {i, j}:
                    seen[block] += 1
                    if seen[block] & (seen[block] - 1) == 0:  # twice as many as the last time
                        self._compress(blocks[block])
        for rows in blocks:
            self._compress(rows)

    def _add(self, tile: NDArray[np.float32], rows: slice, columns: slice, *, first: bool) -> None:
        """Add the scores of some rows with some columns that may matter."""
        if first and tile.shape[1] > self._k:
            # rows of fewer scores than k, beside those with themselves, keep all of them
            self._least[rows] = _below_kth(tile, self._k) - self._margins[rows]
        least = self._least[rows]
        if tile.flags.c_contiguous:
            queries, places = np.divmod(np.flatnonzero(tile >= least[:, None]), tile.shape[1])
        else:  # the transposed of one
            places, queries = np.divmod(np.flatnonzero(least <= tile.T), tile.shape[0])
            by_query = np.argsort(queries, kind="stable")
            queries, places = queries[by_query], places[by_query]
        values = tile[queries, places]
        while len(queries):
            added = np.bincount(queries, minlength=len(least))
            before = np.cumsum(added) - added
            slots = np.arange(len(queries)) - before[queries] + self._counts[rows][queries]
            fitting = slots < self._values.shape[1]
            at = queries[fitting] + rows.start, slots[fitting]
            self._values[at] = values[fitting]
            self._columns[at] = places[fitting] + columns.start
            self._counts[rows] += np.bincount(queries[fitting], minlength=len(least))
            if fitting.all():
                break
            self._compress(rows)
            left = ~fitting & (values >= self._least[rows][queries])
            queries, places, values = queries[left], places[left], values[left]

    def _compress(self, rows: slice) -> None:
        """Leave out the scores that no longer matter, and raise what those to come must reach."""
        values, columns = self._values[rows], self._columns[rows]
        kth = np.partition(values, -self._k, axis=1)[:, -self._k]
        least = np.maximum(self._least[rows], kth - self._margins[rows])
        queries, places = np.nonzero((values >= least[:, None]) & (values > -np.inf))
        counts = np.bincount(queries, minlength=len(values))
        slots = np.arange(len(queries)) - (np.cumsum(counts) - counts)[queries]
        kept = values[queries, places], columns[queries, places]
        values[:] = -np.inf
        values[queries, slots], columns[queries, slots] = kept
        least[counts > values.shape[1] - FREE] = np.inf
        self._least[rows], self._counts[rows] = least, counts


def _below_kth(tile: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """Return a lower bound of the `k`-th largest score of each row.

    That is the `k`-th largest of the maxima of groups of columns, which is cheaper to find.
    """
    n_columns = tile.shape[1]
    size = 2 ** max(int(np.log2(n_columns / (4 * k))), 0) if n_columns > 4 * k else 1
    whole = n_columns // size * size
    # column j belongs to group j % n_groups
    groups = tile.T[:whole].reshape(size, whole // size, len(tile))
    peaks = groups.max(axis=0) if size > 1 else groups[0]
    kth: NDArray[np.float32] = np.partition(peaks, -k, axis=0)[-k]
    return kth
