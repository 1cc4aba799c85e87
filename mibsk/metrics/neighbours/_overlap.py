"""What the k-NN metrics share: the door, the neighbours of both sides, their intervals."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._checks.matrices import Matrix, as_pair, check_k
from .._resampling import (
    CI,
    UNBOUNDED,
    Bootstrap,
    Bounds,
    Estimate,
    as_bootstrap,
    over_draws,
    share_drawn,
)
from ..rows import take_rows
from ._search import Indices, nearest_neighbours

Values = NDArray[np.float64]
PerRow = Callable[[Indices, Indices], Values]
"""From the neighbours of both sides, (n, k) each, nearest first, to one value per row, (n,)."""

_LONGEST = 512  # neighbours of a row that are listed
_BLOCK = 2**16  # neighbours worked on at once: as many as stay in cache


def mean_overlap(
    per_row: PerRow, X: Any, Y: Any, k: int, ci: CI, bounds: Bounds
) -> float | Estimate:
    """Return the mean over rows of what their two lists of neighbours have in common."""
    X, Y, near_x, near_y = neighbours_of_pair(X, Y, k)
    value = float(per_row(near_x, near_y).mean())
    if ci is None:
        return value

    def of_drawn(near_x: Indices, near_y: Indices, rows: Indices) -> float:
        return float(per_row(near_x, near_y).mean())

    return over_neighbours(value, of_drawn, X, Y, k, ci=ci, bounds=bounds)


def neighbours_of_pair(X: Any, Y: Any, k: int) -> tuple[Matrix, Matrix, Indices, Indices]:
    """Return both matrices, checked, and the ``k`` nearest neighbours of each of their rows."""
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
    ci: float | Bootstrap,
    bounds: Bounds = UNBOUNDED,
    min_rows: int = 2,
) -> Estimate:
    """Return a value with its interval, from the neighbours that rows have among those drawn.

    The values of single rows depend on each other, since neighbours are shared: drawing from them
    as if they did not gives intervals that are far too short.

    Parameters
    ----------
    of_drawn : callable
        ``(near_x, near_y, rows) -> float``: neighbours among the rows drawn, numbered from 0, and
        the numbers of these rows.
    """
    n, min_rows = len(X), max(min_rows, k + 1)
    share = share_drawn(n, as_bootstrap(ci), min_rows)
    among = [NeighboursAmong(Z, k, share) for Z in (X, Y)]

    def replicate(rows: dict[int, Indices]) -> float:
        near_x, near_y = (search(rows[n]) for search in among)
        return of_drawn(near_x, near_y, rows[n])

    return over_draws(value, replicate, [n], ci=ci, bounds=bounds, min_rows=min_rows)


class NeighboursAmong:
    """Nearest neighbours among some of the rows, again and again.

    A longer list of neighbours, searched once, has the ``k`` nearest among a large share of the
    rows at its beginning.

    Parameters
    ----------
    X : array or tensor of shape (n, d)
        All rows.
    k : int
        Number of neighbours.
    share : float
        Of the rows among which they are looked for, as a rule.
    """

    def __init__(self, X: Matrix, k: int, share: float) -> None:
        self.X, self.k = X, k
        # so many hold k that are drawn, but for one list in some 1e8
        length = int((k + 6 * np.sqrt(k) + 8) / share)
        self.lists = None
        if length <= _LONGEST:
            self.lists = nearest_neighbours(X, min(length, len(X) - 1)).astype(np.int32)

    def __call__(self, rows: Indices) -> Indices:
        """Return the ``k`` nearest of each of `rows` among them, numbered by their place there."""
        if self.lists is None:
            return nearest_neighbours(take_rows(self.X, rows), self.k)
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


def relabelled(near: Indices, order: NDArray[np.intp]) -> Indices:
    """Return the neighbours that ``Y[order]`` has, from those of ``Y``, without a search.

    Exact ties stay in the order that they had.
    """
    inverse = np.empty_like(order)
    inverse[order] = np.arange(len(order))
    found: Indices = inverse[near[order]]
    return found


def in_blocks(per_row: PerRow) -> PerRow:
    """Let a function of the two lists of each row alone work on few rows at a time."""

    @wraps(per_row)
    def blockwise(near_x: Indices, near_y: Indices) -> Values:
        n, k = near_x.shape
        step = max(1, _BLOCK // k)
        cuts = [slice(start, start + step) for start in range(0, n, step)]
        return np.concatenate([per_row(near_x[rows], near_y[rows]) for rows in cuts])

    return blockwise
