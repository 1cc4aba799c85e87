"""Nearest neighbours by inner product: exact, in bounded memory, on the array's own device."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._checks.matrices import Matrix, namespace, on_accelerator, tiles, to_numpy
from ._similarities import Scores

Indices = NDArray[np.int64]

BLOCK = 32  # scores of which the largest stands for all
SPARE = 16  # neighbours looked at beyond k on an accelerator


def nearest_neighbours(X: Matrix, k: int) -> Indices:
    """Return for each row the ``k`` other rows with the largest inner product.

    Scores are computed in float32; those that may belong to the ``k`` largest, within the error of
    float32, are computed again in float64 and ordered.

    Parameters
    ----------
    X : array or tensor of shape (n, d)
        As `as_matrix` returns it.
    k : int
        In ``1..n - 1``.

    Returns
    -------
    ndarray of int64, shape (n, k)
        The nearest first; of exactly equal scores the lower index.
    """
    n = len(X)
    scores = Scores(X, X)
    nearest = np.empty((n, k), dtype=np.int64)
    for rows in scores.tiles(n, n):
        coarse = scores.coarse(rows)
        own = np.arange(rows.stop - rows.start)
        coarse[own, own + rows.start] = -np.inf
        choose = _choose_on_accelerator if on_accelerator(X) else _choose
        found = choose(coarse, k, 2 * scores.slack)
        if found is None:  # many rows that are equal or nearly so
            for part in tiles(len(own), n):
                part = slice(rows.start + part.start, rows.start + part.stop)
                nearest[part] = _order(*_dense(scores, part, k), k)
            continue
        queries, columns = found
        exact = to_numpy(scores.exact(queries + rows.start, columns))
        nearest[rows] = _order(to_numpy(queries), to_numpy(columns), exact, k)
    return nearest


def _order(queries: Indices, columns: Indices, scores: NDArray[np.float64], k: int) -> Indices:
    """Return the ``k`` best columns of each query, from at least so many of each."""
    order = np.lexsort((columns, -scores, queries))
    counts = np.bincount(queries)
    starts = np.cumsum(counts) - counts
    chosen: Indices = columns[order][starts[:, None] + np.arange(k)]
    return chosen


def _choose(coarse: Matrix, k: int, slack: float) -> tuple[Indices, Indices] | None:
    """Return row and column of all scores that may be among the ``k`` largest of their row.

    The ``k``-th largest of the maxima of blocks is at most the ``k``-th largest score. None if
    there are too many.
    """
    n_rows, n = coarse.shape
    n_blocks = n // BLOCK
    peaks = coarse
    if n_blocks >= 4 * k:
        whole = n_blocks * BLOCK
        peaks = coarse[:, :whole].reshape(n_rows, BLOCK, n_blocks).max(axis=1)
    kth = np.partition(peaks, -k, axis=1)[:, -k]
    near = np.flatnonzero(coarse >= (kth - np.float32(slack))[:, None])
    if len(near) > n_rows * (4 * k + 64):
        return None
    return np.divmod(near, n)


def _choose_on_accelerator(coarse: Any, k: int, slack: float) -> tuple[Any, Any] | None:
    """Return row and column of a fixed number of scores per row; None if more may belong."""
    import torch

    n_rows, n = coarse.shape
    size = min(k + SPARE, n - 1)
    values, columns = torch.topk(coarse, size, dim=1)
    if size < n - 1 and bool((values[:, -1] >= values[:, k - 1] - slack).any()):
        return None
    queries = torch.arange(n_rows, device=coarse.device)[:, None].expand_as(columns)
    return queries.reshape(-1), columns.reshape(-1)


def _dense(scores: Scores, rows: slice, k: int) -> tuple[Indices, Indices, NDArray[np.float64]]:
    """Return row, column and score of the ``k`` nearest of some queries, from all in float64."""
    xp = namespace(scores.X)
    X = scores.X
    S = np.array(to_numpy(xp.astype(X[rows], xp.float64) @ xp.astype(X, xp.float64).T))
    own = np.arange(len(S))
    S[own, own + rows.start] = -np.inf
    kth = np.partition(S, -k, axis=1)[:, [-k]]
    near = kth <= S
    crowded = np.flatnonzero(near.sum(axis=1) > k)  # more than one row at the k-th place
    if crowded.size:
        above = S[crowded] > kth[crowded]
        tied = near[crowded] & ~above
        room = k - above.sum(axis=1, keepdims=True)
        near[crowded] = above | (tied & (tied.cumsum(axis=1) <= room))
    queries, columns = np.nonzero(near)
    return queries, columns, S[near]
