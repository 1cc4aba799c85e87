"""Neighbours that are equally near: lists that keep them together, and what such lists share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._checks.blocks import tiles
from ..._checks.devices import Matrix
from ..._checks.magnitudes import in_range
from ..statistics import Values
from ._nearest import Indices, kth_largest, rounding_bounds, scores_of_others

KEPT_AT_MOST = 2**24  # neighbours in the lists of all rows, which are otherwise computed in parts


@dataclass(frozen=True)
class TiedLists:
    """The nearest of some rows, in levels of equally near ones, until they are `k` or more.

    Levels are numbered from 0 in each row, the nearest first. If ties are broken at random, each
    member of a level has the same chance to be among the `k` nearest. It is 1 in all levels
    but the last, of which only as many members are chosen as there is room for.

    Attributes
    ----------
    k : int
        Number of neighbours.
    n : int
        Number of rows of the representation.
    starts : ndarray (t + 1,)
        Where the neighbours of each row begin.
    columns, levels : ndarray (n_neighbours,)
        The neighbours, and their levels.
    """

    k: int
    n: int
    starts: Indices
    columns: Indices
    levels: Indices

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def rows(self) -> Indices:
        """Row of each neighbour, from 0: (n_neighbours,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @cached_property
    def sizes(self) -> Indices:
        """Members of each level: (t, n_levels)."""
        n_levels = int(self.levels.max()) + 1
        places = self.rows * n_levels + self.levels
        return np.bincount(places, minlength=len(self) * n_levels).reshape(len(self), n_levels)

    @cached_property
    def chosen(self) -> Indices:
        """How many of each level are among the `k` nearest: (t, n_levels)."""
        room = self.k + self.sizes - self.sizes.cumsum(axis=1)
        return np.clip(room, 0, self.sizes)

    @cached_property
    def chances(self) -> Values:
        """Probability of each neighbour to be among the `k` nearest: (n_neighbours,)."""
        share = self.chosen / np.maximum(self.sizes, 1)
        chances: Values = share[self.rows, self.levels]
        return chances

    @cached_property
    def level_of_place(self) -> Indices:
        """Level of the first, the second, ... of the `k` nearest: (t, k)."""
        numbers = np.broadcast_to(np.arange(self.chosen.shape[1]), self.chosen.shape)
        levels: Indices = np.repeat(numbers.ravel(), self.chosen.ravel())
        return levels.reshape(len(self), self.k)

    @cached_property
    def chance_table(self) -> Values:
        """Probability of each row to be among the `k` nearest: (t, n)."""
        return self._table(self.chances)

    @cached_property
    def level_table(self) -> Indices:
        """Level of each row, from 1, and 0 if it is not in the list: (t, n)."""
        return self._table((self.levels + 1).astype(np.int32))

    def _table(self, values: NDArray[Any]) -> NDArray[Any]:
        table = np.zeros((len(self), self.n), values.dtype)
        table[self.rows, self.columns] = values
        return table

    def of_rows(self, rows: Indices) -> TiedLists:
        """Return the lists of some rows."""
        counts = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(counts)])
        kept = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], counts)
        return TiedLists(self.k, self.n, starts, self.columns[kept], self.levels[kept])

    def among(self, rows: Indices, k: int) -> TiedLists | None:
        """Return the lists that rows have among themselves, or None if these are too short."""
        places = np.full(self.n, -1)
        places[rows] = np.arange(len(rows))
        lists = self.of_rows(rows)
        columns = places[lists.columns]
        there = columns >= 0
        found, columns, levels = lists.rows[there], columns[there], lists.levels[there]
        shape = len(rows), int(lists.levels.max()) + 1
        sizes = np.bincount(found * shape[1] + levels, minlength=np.prod(shape)).reshape(shape)
        before = sizes.cumsum(axis=1) - sizes
        if (before[:, -1] + sizes[:, -1]).min() < k:
            return None
        needed = (before < k) & (sizes > 0)
        kept = needed[found, levels]
        starts = np.concatenate([[0], np.bincount(found[kept], minlength=len(rows)).cumsum()])
        levels = (needed.cumsum(axis=1) - 1)[found, levels][kept]
        return TiedLists(k, len(rows), starts, columns[kept], levels)

    def reordered(self, order: NDArray[np.intp]) -> TiedLists:
        """Return the lists of a representation whose rows are in another order."""
        inverse = np.empty_like(order)
        inverse[order] = np.arange(len(order))
        lists = self.of_rows(order)
        return TiedLists(self.k, self.n, lists.starts, inverse[lists.columns], lists.levels)


class TiedSearch:
    """The lists of any rows of a representation.

    Parameters
    ----------
    X : array or tensor of shape (n, d)
        What `as_matrix` returns.
    k : int
        In ``1..n - 1``.
    """

    def __init__(self, X: Matrix, k: int) -> None:
        self.X, self.k = in_range(X), k
        self.bounds = rounding_bounds(self.X)

    def __call__(self, rows: Indices) -> TiedLists:
        """Search for the neighbours of some rows, by products in float64."""
        S = scores_of_others(self.X, rows)
        nearer, tied = nearer_and_tied(S, rows, self.bounds, self.k)[:2]
        queries, columns = np.nonzero(nearer)
        scores = S[queries, columns]
        order = np.lexsort((columns, -scores, queries))
        queries, columns, scores = queries[order], columns[order], scores[order]
        longer = np.maximum(self.bounds[columns[1:]], self.bounds[columns[:-1]])
        lower = scores[:-1] - scores[1:] > self.bounds[rows[queries[1:]]] * longer
        counts = np.bincount(queries, minlength=len(rows))
        steps = np.concatenate([[0], np.cumsum(lower & (queries[1:] == queries[:-1]))])
        first = np.cumsum(counts) - counts
        levels = steps[: len(queries)] - steps[first[queries]]
        n_levels = np.zeros(len(rows), dtype=np.int64)
        n_levels[queries] = levels + 1  # the last one of each row is assigned last
        at_last, others = np.nonzero(tied)
        queries = np.concatenate([queries, at_last])
        order = np.argsort(queries, kind="stable")
        return TiedLists(
            self.k,
            len(self.X),
            np.concatenate([[0], np.cumsum(np.bincount(queries, minlength=len(rows)))]),
            np.concatenate([columns, others])[order],
            np.concatenate([levels, n_levels[at_last]])[order],
        )

    def of_all(self) -> TiedLists | None:
        """Return the lists of all rows, or None if they are too long to be kept."""
        n, n_found = len(self.X), 0
        found: list[TiedLists] = []
        for part in tiles(n, n):
            found.append(self(np.arange(part.start, part.stop)))
            n_found += len(found[-1].columns)
            if n_found > KEPT_AT_MOST:
                return None
        counts = np.concatenate([np.diff(lists.starts) for lists in found])
        columns = np.concatenate([lists.columns for lists in found])
        levels = np.concatenate([lists.levels for lists in found])
        return TiedLists(self.k, n, np.concatenate([[0], np.cumsum(counts)]), columns, levels)


def nearer_and_tied(
    S: Values, rows: Indices, bounds: Values, k: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Values, Values]:
    """Return which are nearer than the `k`-th nearest, which equally near: (t, n) each.

    And the score and the bound of the `k`-th nearest: (t,) each.
    """
    kth, bound = kth_largest(S, bounds, k)
    margin = np.maximum(bounds, bound)  # (t, n)
    margin *= bounds[rows, None]
    nearer = kth + margin < S
    tied = kth - margin <= S
    tied &= ~nearer
    return nearer, tied, kth[:, 0], bound[:, 0]


def shared_chances(x: TiedLists, y: TiedLists) -> Values:
    """Return the expected share of the `k` nearest that both lists have in common: (t,)."""
    found = x.chance_table[y.rows, y.columns]
    return np.bincount(y.rows, y.chances * found, minlength=len(x)) / x.k


def matches(x: TiedLists, y: TiedLists) -> Values:
    """Return the probability that place `a` in x and place `b` in y are the same row: (t, k, k).

    Each place of a level is equally probably any of its members.
    """
    levels = x.level_table[y.rows, y.columns] - 1
    both = levels >= 0
    shape = len(x), x.sizes.shape[1], y.sizes.shape[1]
    cells = np.ravel_multi_index((y.rows[both], levels[both], y.levels[both]), shape)
    counts = np.bincount(cells, minlength=np.prod(shape)).reshape(shape)
    row, a, b = np.arange(len(x))[:, None, None], x.level_of_place, y.level_of_place
    pairs = x.sizes[row[:, 0], a][:, :, None] * y.sizes[row[:, 0], b][:, None, :]
    probabilities: Values = counts[row, a[:, :, None], b[:, None, :]] / pairs
    return probabilities
