"""What the k-NN metrics share: input checks, the neighbours of both sides, intervals."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._checks.devices import Matrix
from ..._checks.matrices import as_pair
from ..._checks.parameters import check_k
from ..rows import take_rows
from ..statistics import (
    CI,
    UNBOUNDED,
    Bounds,
    Estimate,
    Reordered,
    Sampled,
    Values,
    as_bootstrap,
    over_draws,
    share_drawn,
)
from ._nearest import Indices, nearest_neighbours

PerRow = Callable[[Indices, Indices], Values]
"""From the neighbours of both sides, (n, k) each, nearest first, to one value per row, (n,)."""

_LONGEST = 512  # neighbours in the list of a row, at most
_BLOCK = 2**16  # neighbours processed at once, so that they stay in the cache


def mean_overlap(per_row: PerRow, X: Any, Y: Any, k: int, bounds: Bounds) -> Sampled:
    """Return the mean over rows of a function of their two lists of neighbours."""
    X, Y, near_x, near_y = neighbours_of_pair(X, Y, k)
    value = float(per_row(near_x, near_y).mean())

    def of_drawn(near_x: Indices, near_y: Indices, rows: Indices) -> float:
        return float(per_row(near_x, near_y).mean())

    return over_neighbours(value, of_drawn, X, Y, k, bounds=bounds)


def neighbours_of_pair(X: Any, Y: Any, k: int) -> tuple[Matrix, Matrix, Indices, Indices]:
    """Return both matrices, checked, and the `k` nearest neighbours of each of their rows."""
    X, Y = as_pair(X, Y)
    check_k(k, len(X) - 1)
    return X, Y, nearest_neighbours(X, k), nearest_neighbours(Y, k)


def over_neighbours(
    value: float,
    of_drawn: Callable[[Indices, Indices, Indices], float],
    X: Matrix,
    Y: Matrix,
    k: int,
    *,
    bounds: Bounds = UNBOUNDED,
    min_rows: int = 2,
) -> Sampled:
    """Return a value with its interval, from the neighbours that rows have among those drawn.

    The values of rows are not independent, since they share neighbours: resampling these values
    gives intervals that are far too short.

    Parameters
    ----------
    of_drawn : callable
        ``(near_x, near_y, rows) -> float``: neighbours among the rows drawn, numbered from 0, and
        the numbers of these rows.
    """
    n, min_rows = len(X), max(min_rows, k + 1)

    def sampled(ci: CI) -> float | Estimate:
        if ci is None:
            return value
        share = share_drawn(n, as_bootstrap(ci), min_rows)
        among = [NeighboursAmong(Z, k, share) for Z in (X, Y)]

        def replicate(rows: dict[int, Indices]) -> float:
            near_x, near_y = (search(rows[n]) for search in among)
            return of_drawn(near_x, near_y, rows[n])

        return over_draws(value, replicate, [n], ci=ci, bounds=bounds, min_rows=min_rows)

    return sampled


class NeighboursAmong:
    """Nearest neighbours among many samples of the rows.

    A longer list of neighbours is computed once; the `k` nearest in a sample are the first `k` of
    the list that belong to it.

    Parameters
    ----------
    X : array or tensor of shape (n, d)
        All rows.
    k : int
        Number of neighbours.
    share : float
        Usual size of a sample, as a share of the rows.
    """

    def __init__(self, X: Matrix, k: int, share: float) -> None:
        self.X, self.k = X, k
        # k of these are in the sample for all but about one list in 1e8
        length = int((k + 6 * np.sqrt(k) + 8) / share)
        self.lists = None
        if length <= _LONGEST:
            self.lists = nearest_neighbours(X, min(length, len(X) - 1)).astype(np.int32)

    def __call__(self, rows: Indices) -> Indices:
        """Return the `k` nearest of each row among `rows`, (m, k), as places in `rows`."""
        if self.lists is None:
            return nearest_neighbours(take_rows(self.X, rows), self.k)
        # (m, length): the listed neighbours as places in `rows`, -1 if not there
        places = np.full(len(self.X), -1, dtype=np.int32)
        places[rows] = np.arange(len(rows))
        found = places[self.lists[rows]]
        chosen = found >= 0
        before = np.cumsum(chosen, axis=1, dtype=np.int16)
        if before[:, -1].min() < self.k:
            return nearest_neighbours(take_rows(self.X, rows), self.k)
        chosen &= before <= self.k
        near: Indices = found[chosen].reshape(len(rows), self.k).astype(np.int64)
        return near


def reorder_neighbours(per_row: PerRow) -> Callable[..., Reordered]:
    """Return how a mean overlap is computed for many orders of the rows of `Y`, in one search."""

    def reorder(X: Matrix, Y: Matrix, k: int = 10) -> Reordered:
        near_x, near_y = nearest_neighbours(X, k), nearest_neighbours(Y, k)
        return lambda order: float(per_row(near_x, relabelled(near_y, order)).mean())

    return reorder


def relabelled(near: Indices, order: NDArray[np.intp]) -> Indices:
    """Return the neighbours that ``Y[order]`` has, from those of `Y`, without a search.

    Exact ties keep their order.
    """
    inverse = np.empty_like(order)
    inverse[order] = np.arange(len(order))
    found: Indices = inverse[near[order]]
    return found


def in_blocks(per_row: PerRow) -> PerRow:
    """Apply a function of the two lists of each row to blocks of rows, which stay in the cache."""

    @wraps(per_row)
    def blockwise(near_x: Indices, near_y: Indices) -> Values:
        n, k = near_x.shape
        step = max(1, _BLOCK // k)
        cuts = [slice(start, start + step) for start in range(0, n, step)]
        return np.concatenate([per_row(near_x[rows], near_y[rows]) for rows in cuts])

    return blockwise
