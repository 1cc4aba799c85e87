"""What the k-NN metrics share: input checks, the neighbours of both sides, intervals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache, partial, wraps
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._checks.blocks import TILE_SIZE, tiles
from ..._checks.devices import Matrix
from ..._checks.matrices import as_pair
from ..._checks.parameters import check_k
from .._kept import is_kept, kept
from ..rows import take_rows
from ..statistics import (
    CI,
    UNBOUNDED,
    Bootstrap,
    Bounds,
    Estimate,
    Reordered,
    Sampled,
    Values,
    as_bootstrap,
    over_draws,
    share_drawn,
)
from ._nearest import Indices, Mask, Neighbours, nearest_neighbours
from ._ties import TiedLists, TiedSearch

PerRow = Callable[[Indices, Indices], Values]
"""From the neighbours of both sides, (n, k) each, nearest first, to one value per row, (n,)."""

_LONGEST = 512  # neighbours in the list of a row, at most
_KEPT_AT_MOST = 2**24  # neighbours in samples that several metrics share
_BLOCK = 2**16  # neighbours processed at once, so that they stay in the cache


class Overlap(ABC):
    """A mean over rows of a function of their neighbours in two representations."""

    @abstractmethod
    def of_lists(self, near_x: Indices, near_y: Indices) -> Values:
        """Return the value of each row, (n,), from its lists without ties."""

    @abstractmethod
    def of_tied(self, X: Matrix, Y: Matrix, k: int, rows: Indices) -> Values:
        """Return the values of some rows where neighbours may be equally near."""

    @abstractmethod
    def reordered_tied(self, X: Matrix, Y: Matrix, k: int) -> Reordered | None:
        """Return how the mean is computed for many orders of `Y`, also where there are ties."""

    def affected(self, x: Neighbours, y: Neighbours) -> Mask:
        """Return whether the value of a row depends on ties, (n,)."""
        return x.tied | y.tied

    def measure(self, X: Any, Y: Any, k: int, bounds: Bounds) -> Sampled:
        """Check the input, and return the mean with its interval."""
        X, Y = as_pair(X, Y)
        check_k(k, len(X) - 1)
        return over_neighbours(
            self._mean(X, Y, k),
            lambda near_x, near_y, rows: float(self.of_lists(near_x, near_y).mean()),
            self.drawn_anew(X, Y, k),
            X,
            Y,
            k,
            bounds=bounds,
        )

    def drawn_anew(self, X: Matrix, Y: Matrix, k: int) -> Callable[[Indices], float]:
        """Return how the mean is computed for some of the rows."""
        return lambda rows: self._mean(take_rows(X, rows), take_rows(Y, rows), k)

    def _mean(self, X: Matrix, Y: Matrix, k: int) -> float:
        x, y = nearest_neighbours(X, k), nearest_neighbours(Y, k)
        values = self.of_lists(x.near, y.near)
        tied = np.flatnonzero(self.affected(x, y))
        if tied.size:
            values[tied] = self.of_tied(X, Y, k, tied)
        return float(values.mean())

    def reorder(self, X: Matrix, Y: Matrix, k: int = 10) -> Reordered | None:
        """Return how the mean is computed for many orders of the rows of `Y`, in one search."""
        x, y = nearest_neighbours(X, k), nearest_neighbours(Y, k)
        if x.tied.any() or y.tied.any():
            return self.reordered_tied(X, Y, k)
        return lambda order: float(self.of_lists(x.near, relabelled(y.near, order)).mean())


class ListOverlap(Overlap):
    """The mean of a function of the two lists of each row.

    Parameters
    ----------
    of_lists : callable
        ``(near_x, near_y) -> (n,)``, from lists without ties, (n, k), the nearest first.
    of_ties : callable
        ``(x, y) -> (t,)``, from the :class:`TiedLists` of the same rows.
    """

    def __init__(self, of_lists: PerRow, of_ties: Callable[[TiedLists, TiedLists], Values]) -> None:
        self._of_lists, self._of_ties = of_lists, of_ties

    def of_lists(self, near_x: Indices, near_y: Indices) -> Values:
        """Return the value of each row, (n,), from its lists without ties."""
        return self._of_lists(near_x, near_y)

    def of_tied(self, X: Matrix, Y: Matrix, k: int, rows: Indices) -> Values:
        """Return the values of some rows where neighbours may be equally near."""
        x, y = TiedSearch(X, k), TiedSearch(Y, k)
        parts = [rows[part] for part in tiles(len(rows), max(len(X), k * k))]
        return np.concatenate([self._of_ties(x(part), y(part)) for part in parts])

    def reordered_tied(self, X: Matrix, Y: Matrix, k: int) -> Reordered | None:
        """Return how the mean is computed for many orders of `Y`, also where there are ties."""
        x, y = TiedSearch(X, k).of_all(), TiedSearch(Y, k).of_all()
        if x is None or y is None:
            return None
        if len(x) * max(len(x), k * k) > 4 * TILE_SIZE:  # tables of all rows are not kept
            return lambda order: self._mean_of_ties(x, y.reordered(order))
        return lambda order: float(self._of_ties(x, y.reordered(order)).mean())

    def drawn_anew(self, X: Matrix, Y: Matrix, k: int) -> Callable[[Indices], float]:
        """Return how the mean is computed for some of the rows: from longer lists of all."""
        search = super().drawn_anew(X, Y, k)

        @cache
        def lists_of_all(length: int) -> tuple[TiedLists | None, TiedLists | None]:
            return TiedSearch(X, length).of_all(), TiedSearch(Y, length).of_all()

        def mean(rows: Indices) -> float:
            length = length_for(k, len(rows) / len(X))
            if length <= _LONGEST:
                x, y = lists_of_all(min(length, len(X) - 1))
                x, y = x and x.among(rows, k), y and y.among(rows, k)
                if x is not None and y is not None:
                    return self._mean_of_ties(x, y)
            return search(rows)

        return mean

    def _mean_of_ties(self, x: TiedLists, y: TiedLists) -> float:
        parts = [np.arange(part.start, part.stop) for part in tiles(len(x), max(x.n, x.k**2))]
        if len(parts) == 1:
            return float(self._of_ties(x, y).mean())
        return float(sum(self._of_ties(x.of_rows(p), y.of_rows(p)).sum() for p in parts) / len(x))


def over_neighbours(
    value: float,
    of_drawn: Callable[[Indices, Indices, Indices], float],
    anew: Callable[[Indices], float],
    X: Matrix,
    Y: Matrix,
    k: int,
    *,
    bounds: Bounds = UNBOUNDED,
    min_rows: int = 2,
    size: int = 0,
) -> Sampled:
    """Return a value with its interval, from the neighbours that rows have among those drawn.

    The values of rows are not independent, since they share neighbours: resampling these values
    gives intervals that are far too short.

    Parameters
    ----------
    of_drawn : callable
        ``(near_x, near_y, rows) -> float``: neighbours among the rows drawn, numbered from 0, and
        the numbers of these rows.
    anew : callable
        ``rows -> float``: the value for rows drawn where there are ties, or lists are too short.
    size : int
        Numbers in the arrays that `of_drawn` makes.
    """
    n, min_rows = len(X), max(min_rows, k + 1)

    def sampled(ci: CI) -> float | Estimate:
        if ci is None:
            return value
        share = share_drawn(n, as_bootstrap(ci), min_rows)
        among = [
            kept(partial(NeighboursAmong, Z, k, share), Z, key=("among", k, share)) for Z in (X, Y)
        ]

        def replicate(rows: dict[int, Indices]) -> float:
            near_x, near_y = (search(rows[n]) for search in among)
            if near_x is None or near_y is None:
                return anew(rows[n])
            return of_drawn(near_x, near_y, rows[n])

        return over_draws(value, replicate, [n], ci=ci, bounds=bounds, min_rows=min_rows, size=size)

    return sampled


def length_for(k: int, share: float, deviations: float = 6) -> int:
    """Return the length of a list of which `k` are in a sample, by the deviations that it allows.

    Of lists that allow 6, all but about one in 1e8 are long enough; of those that allow 1, most.
    """
    return int((k + deviations * np.sqrt(k) + 8) / share)


def list_length(n: int, k: int, max_rows: int) -> int:
    """Return how many neighbours of each of `n` rows the interval of a metric needs."""
    share = share_drawn(n, Bootstrap(max_rows=max_rows), k + 1)
    length = min(length_for(k, share), n - 1)
    return length if length <= _LONGEST else k


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
        self.n, self.k = len(X), k
        length = length_for(k, share)
        self.lists: list[NDArray[np.int32]] = []  # (n, length), of most rows and of all
        if length <= _LONGEST:
            near, tied = nearest_neighbours(X, min(length, len(X) - 1))
            if not tied.any():
                whole = near.astype(np.int32)
                self.lists = [np.ascontiguousarray(whole[:, : length_for(k, share, 1)]), whole]
        self._room = _KEPT_AT_MOST
        self._found: dict[bytes, Indices | None] = {}

    def __call__(self, rows: Indices) -> Indices | None:
        """Return the `k` nearest of each row among `rows`, (m, k), as places in `rows`.

        None if they must be searched for: lists would be long, have ties or are too short.
        """
        if not is_kept():
            return self._among(rows)
        key = blake2b(rows.tobytes(), digest_size=16).digest()
        if key not in self._found:
            near = self._among(rows)
            if len(rows) * self.k > self._room:
                return near
            self._room -= len(rows) * self.k
            self._found[key] = near
        return self._found[key]

    def _among(self, rows: Indices) -> Indices | None:
        dtype = np.min_scalar_type(-self.n)
        places = np.full(self.n, -1, dtype=dtype)  # of each row in `rows`, -1 if not there
        places[rows] = np.arange(len(rows))
        near = np.empty((len(rows), self.k), dtype=dtype)
        missing = np.arange(len(rows))
        for lists in self.lists:
            found = places[lists[rows[missing]]]  # (rows that are missing, length)
            chosen = found >= 0
            before = np.cumsum(chosen, axis=1, dtype=np.int16)
            short = before[:, -1] < self.k
            chosen &= before <= self.k
            chosen[short] = False
            near[missing[~short]] = found[chosen].reshape(-1, self.k)
            missing = missing[short]
            if not missing.size:
                return near
        return None


def relabelled(near: Indices, order: NDArray[np.intp]) -> Indices:
    """Return the neighbours that ``Y[order]`` has, from those of `Y`, without a search."""
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
