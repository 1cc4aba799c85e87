"""Nearest neighbours by inner product: exact, in bounded memory, on the array's own device."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._checks.blocks import CHUNK_SIZE, tiles
from ..._checks.devices import Matrix, as_double, on_accelerator, to_numpy
from ..._checks.magnitudes import in_range
from .._kept import kept, length_needed
from ..rows import row_norms, take_rows
from ._inner_products import InnerProducts, count_rows
from ._sweep import Candidates, HalfSweep

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

SPARE = 16  # candidates beyond k on an accelerator


class Neighbours(NamedTuple):
    """The `k` nearest of each row, and where the data do not determine them."""

    near: Indices  # (n, k), the nearest first; of exactly equal scores the lower index
    tied: Mask  # (n,): two of the list, or the last and one left out, are equally near


def nearest_neighbours(X: Matrix, k: int) -> Neighbours:
    r"""Return for each row the `k` other rows with the largest inner product.

    Scores are computed in float32; those that may belong to the `k` largest, within the error of
    float32, are computed again in float64 and ordered. Two are equally near if they differ by no
    more than rounding: by :math:`2(d+4)2^{-53}\|x_i\|` times the longer of both rows.

    Parameters
    ----------
    X : array or tensor of shape (n, d)
        What `as_matrix` returns.
    k : int
        In ``1..n - 1``.

    Returns
    -------
    Neighbours
    """
    return kept(lambda: _of_longer(X, k) or _search(X, k), X, key=("nearest", k))


def _of_longer(X: Matrix, k: int) -> Neighbours | None:
    """Return the first of longer lists that are needed too, unless these have ties."""
    length = length_needed(len(X))
    if length <= k:
        return None
    near, tied = nearest_neighbours(X, length)
    return None if tied.any() else Neighbours(near[:, :k].copy(), tied)


def _search(X: Matrix, k: int) -> Neighbours:
    if on_accelerator(X):
        return _on_accelerator(X, k)
    X = in_range(X)
    bounds = rounding_bounds(X)
    near, tied = np.empty((len(X), k), dtype=np.int64), np.empty(len(X), dtype=bool)
    sweep = HalfSweep(X, k)
    for found in sweep:
        near[found.rows], tied[found.rows] = _order_candidates(X, found, k, bounds)
    crowded = np.sort(sweep.crowded)
    for part in tiles(len(crowded), len(X)):
        rows = crowded[part]
        near[rows], tied[rows] = _dense(X, bounds, rows, k)
    return Neighbours(near, tied)


def _on_accelerator(X: Matrix, k: int) -> Neighbours:
    n = len(X)
    scores = InnerProducts(X, X)
    bounds = rounding_bounds(scores.X)
    near, tied = np.empty((n, k), dtype=np.int64), np.empty(n, dtype=bool)
    for rows in scores.tiles(n, n):
        coarse = scores.coarse(rows)  # (t, n) in float32
        own = np.arange(rows.stop - rows.start)
        coarse[own, own + rows.start] = -np.inf
        found = _choose_on_accelerator(coarse, k, 2 * scores.slack)
        if found is None:  # many nearly equal rows
            for part in tiles(len(own), n):
                some = np.arange(rows.start + part.start, rows.start + part.stop)
                near[some], tied[some] = _dense(scores.X, bounds, some, k)
            continue
        queries, columns = found
        exact = to_numpy(scores.exact(queries + rows.start, columns))
        queries, columns = to_numpy(queries), to_numpy(columns)
        near[rows], tied[rows] = _order(queries, columns, exact, k, bounds, np.arange(n)[rows])
    return Neighbours(near, tied)


def _order_candidates(
    X: Matrix, found: Candidates, k: int, bounds: NDArray[np.float64]
) -> tuple[Indices, Mask]:
    """Return the `k` best columns of each row, (t, k), and whether two are equally near, (t,).

    Scores that are in order in float32 are so in float64; only the others are computed again.
    """
    order = np.lexsort((-found.scores, found.queries))
    queries, columns, scores = found.queries[order], found.columns[order], found.scores[order]
    near_next = (scores[:-1] - scores[1:] <= found.margins[queries[1:]]) & (
        queries[1:] == queries[:-1]
    )
    unsure = np.flatnonzero(np.append(near_next, False) | np.insert(near_next, 0, False))
    step = max(1, CHUNK_SIZE // X.shape[1])
    for start in range(0, len(unsure), step):
        some = unsure[start : start + step]
        left, right = X[found.rows[queries[some]]], X[columns[some]]
        scores[some] = np.vecdot(as_double(left), as_double(right))
    return _order(queries, columns, scores, k, bounds, found.rows)


def rounding_bounds(X: Matrix) -> NDArray[np.float64]:
    """Return numbers of rows, (n,): two products of a row may differ by ``b[i] * b[j]``.

    That is the rounding of both in float64, where j is the longer one of the other two rows.
    """
    bounds: NDArray[np.float64] = to_numpy(row_norms(X)) * np.sqrt(2 * (X.shape[1] + 4) * 2.0**-53)
    return bounds


def _order(
    queries: Indices,
    columns: Indices,
    scores: NDArray[np.float64],
    k: int,
    bounds: NDArray[np.float64],
    rows: Indices,
) -> tuple[Indices, Mask]:
    """Return the `k` best columns of each query, (t, k), from at least k candidates of each.

    And whether two neighbouring ones, of these and the next, are equally near, (t,).
    """
    order = np.lexsort((columns, -scores, queries))
    columns, scores = columns[order], scores[order]
    counts = np.bincount(queries)
    first = (np.cumsum(counts) - counts)[:, None]
    place = first + np.arange(k)
    after = np.minimum(place + 1, first + counts[:, None] - 1)  # the last one if there is no next
    chosen = columns[place]
    longer = np.maximum(bounds[chosen], bounds[columns[after]])
    equal = scores[place] - scores[after] <= bounds[rows, None] * longer
    return chosen, (equal & (after > place)).any(axis=1)


def _choose_on_accelerator(coarse: Any, k: int, slack: float) -> tuple[Any, Any] | None:
    """Return row and column of the k + SPARE largest scores per row; None if more may belong."""
    import torch

    n_rows, n = coarse.shape
    size = min(k + SPARE, n - 1)
    values, columns = torch.topk(coarse, size, dim=1)
    if size < n - 1 and bool((values[:, -1] >= values[:, k - 1] - slack).any()):
        return None
    queries = torch.arange(n_rows, device=coarse.device)[:, None].expand_as(columns)
    return queries.reshape(-1), columns.reshape(-1)


def scores_of_others(X: Matrix, rows: Indices) -> NDArray[np.float64]:
    """Return the inner products of some rows with all, (t, n), -inf with themselves."""
    S = np.array(to_numpy(as_double(take_rows(X, rows)) @ as_double(X).T), dtype=np.float64)
    S[np.arange(len(S)), rows] = -np.inf
    return S


def kth_largest(
    S: NDArray[np.float64], bounds: NDArray[np.float64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the `k`-th largest score of each row, and the bound of the column it is in: (t, 1)."""
    # from below, and the values alone: where many are equal, other ways take several times as long
    lowest = -S
    lowest.partition(k - 1, axis=1)
    kth = -lowest[:, [k - 1]]
    return kth, np.where(kth == S, bounds, 0).max(axis=1, keepdims=True)


def _dense(X: Matrix, bounds: NDArray[np.float64], rows: Indices, k: int) -> tuple[Indices, Mask]:
    """Return the `k` nearest of some rows, (t, k), and whether two are equally near, (t,)."""
    S = scores_of_others(X, rows)
    kth, bound = kth_largest(S, bounds, k)
    margin = bounds[rows, None] * np.maximum(bounds, bound)
    undecided = count_rows(kth - margin <= S) > k
    near = kth <= S
    crowded = np.flatnonzero(near.sum(axis=1) > k)
    if crowded.size:
        above = S[crowded] > kth[crowded]
        tied = near[crowded] & ~above
        room = k - above.sum(axis=1, keepdims=True)
        near[crowded] = above | (tied & (tied.cumsum(axis=1) <= room))
    queries, columns = np.nonzero(near)
    chosen, tied = _order(queries, columns, S[near], k, bounds, rows)
    return chosen, tied | undecided
