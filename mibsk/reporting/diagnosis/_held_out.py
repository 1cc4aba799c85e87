"""The closed form on a part of the rows, and whether it finds the partners of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ..._checks.groups import Groups, fold_of_rows
from ...canonical import Moments, Solution, embedding_map, solve
from ...metrics.rows import unit_rows
from ._tables import Rows

N_FOLDS = 5
MAX_CANDIDATES = 1000
ROWS_PER_BLOCK = 4  # fewest
ROUNDING = 1e-12
SMALLEST_WEIGHT = 1e-3  # of a direction that is kept although nothing is shared


@dataclass(frozen=True)
class Blocks:
    """Rows in folds that are held out in turn, each of one, two or four blocks of rows.

    Parameters
    ----------
    of_row : ndarray of int (n,)
        Block of each row; rows of a group are in one block.
    n_folds, n_parts : int
        Number of folds, and of the blocks of each.
    """

    of_row: NDArray[np.intp]
    n_folds: int
    n_parts: int

    @classmethod
    def of(cls, n: int, groups: Groups, rng: np.random.Generator) -> Blocks:
        """Cut `n` rows into blocks at random."""
        count = n if groups is None else int(groups.max()) + 1
        n_folds = min(N_FOLDS, count)
        n_parts = 4
        while n_parts > 1 and min(count, n // ROWS_PER_BLOCK) < n_folds * n_parts:
            n_parts //= 2
        n_blocks = n_folds * n_parts
        if groups is None:
            of_row = np.empty(n, np.intp)
            of_row[rng.permutation(n)] = np.arange(n) % n_blocks
        else:
            of_row = fold_of_rows(rng.permutation(count)[groups], n_blocks)
        return cls(of_row, n_folds, n_parts)

    def held_out(self, fold: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Return the rows of a fold, at most 1,000 of them."""
        rows = np.flatnonzero(self.of_row % self.n_folds == fold)
        return np.sort(rng.permutation(rows)[:MAX_CANDIDATES])

    def training(self, fold: int, n_used: int) -> list[NDArray[np.intp]]:
        """Return the first `n_used` blocks of each other fold."""
        return [
            other + self.n_folds * np.arange(n_used)
            for other in range(self.n_folds)
            if other != fold
        ]


class ClosedForms:
    """The closed form of the blocks of several tables, from sums over each block.

    Parameters
    ----------
    views : list of ndarray (n, r_m)
        Rows of each table, of mean 0.
    blocks : Blocks
        Their blocks.
    separate_ridges : bool
        Whether a ridge is chosen for each table.
    """

    def __init__(self, views: Sequence[Rows], blocks: Blocks, *, separate_ridges: bool) -> None:
        self.views = views
        self.separate_ridges = separate_ridges
        widths = [view.shape[1] for view in views]
        origin = np.zeros(sum(widths))
        self.moments = []
        for block in range(blocks.n_folds * blocks.n_parts):
            rows = blocks.of_row == block
            joined = np.concatenate([view[rows] for view in views], axis=1)
            self.moments.append(Moments.of_rows(widths, origin, joined))

    def fit(self, parts: Sequence[NDArray[np.intp]]) -> Solution:
        """Return the directions of some blocks, given by the fold that they form inside."""
        folds = []
        for part in parts:
            first, *others = (self.moments[block] for block in part)
            folds.append(sum(others, start=first))
        return solve(folds, separate_ridges=self.separate_ridges)

    def hits(
        self, solution: Solution, rows: NDArray[np.intp], classes: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return how often the partners of rows come first, mean over both ways and all pairs (n,).

        Parameters
        ----------
        solution : Solution
            Directions that were found without these rows.
        rows : ndarray of int (n,)
            Their numbers, which are the candidates, too.
        classes : ndarray of int (n,)
            A row of the class of the query counts as its partner.
        """
        relevant = classes[:, None] == classes
        if not len(solution.low):  # a table varies in the held-out rows alone: all rows tie
            return relevant.mean(axis=1)
        kept = max(solution.n_kept("auto"), 1)
        weights = np.maximum(solution.weights[:kept], SMALLEST_WEIGHT)
        embedded = []
        for view, mean, A in zip(self.views, solution.means, solution.maps, strict=True):
            matrix, constants = embedding_map(A[:, :kept], weights[: A.shape[1]])
            embedded.append(unit_rows((view[rows] - mean) @ matrix + constants))
        found = [first_is_relevant(Z @ W.T, relevant) for Z, W in permutations(embedded, 2)]
        mean_hits: NDArray[np.float64] = np.mean(found, axis=0)
        return mean_hits


def first_is_relevant(scores: Rows, relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return for each query whether the best candidate is relevant; ties count by their share."""
    tied = scores >= scores.max(axis=1, keepdims=True) - ROUNDING
    share: NDArray[np.float64] = (tied & relevant).sum(axis=1) / tied.sum(axis=1)
    return share


@dataclass(frozen=True)
class HeldOut:
    """Hits of held-out rows for several sizes of the training part.

    Parameters
    ----------
    rows : ndarray of int (n,)
        Numbers of the rows that were held out in turn.
    hits : dict of int to ndarray (n,)
        Blocks of each fold that were used for training -> hits of the rows.
    n_train : dict of int to float
        Mean number of training rows.
    n_candidates : float
        Mean number of candidates.
    chance : float
        Expected hits for candidates in random order.
    """

    rows: NDArray[np.intp]
    hits: dict[int, NDArray[np.float64]]
    n_train: dict[int, float]
    n_candidates: float
    chance: float


def hold_out_in_turn(
    closed: ClosedForms,
    blocks: Blocks,
    classes: NDArray[np.intp],
    sizes: Sequence[int],
    seed: int,
) -> HeldOut:
    """Return the hits of each fold with the closed form of the others.

    Parameters
    ----------
    closed : ClosedForms
        Closed form of the blocks.
    blocks : Blocks
        The blocks.
    classes : ndarray of int (n,)
        Rows of one class are partners of each other; each row its own where only its partner is.
    sizes : sequence of int
        Numbers of blocks of each other fold that are used.
    seed : int
        Draws the candidates of large folds, the same for each set of views.
    """
    rng = np.random.default_rng(seed)
    rows = [blocks.held_out(fold, rng) for fold in range(blocks.n_folds)]
    hits: dict[int, list[NDArray[np.float64]]] = {size: [] for size in sizes}
    counts: dict[int, list[int]] = {size: [] for size in sizes}
    relevant, candidates = [], []
    for fold, held in enumerate(rows):
        for size in sizes:
            parts = blocks.training(fold, size)
            hits[size].append(closed.hits(closed.fit(parts), held, classes[held]))
            counts[size].append(sum(closed.moments[block].n for part in parts for block in part))
        _, kinds = np.unique(classes[held], return_counts=True)
        relevant.append(float((kinds**2).sum()) / len(held))
        candidates.append(len(held))
    return HeldOut(
        np.concatenate(rows),
        {size: np.concatenate(found) for size, found in hits.items()},
        {size: float(np.mean(found)) for size, found in counts.items()},
        float(np.mean(candidates)),
        float(np.sum(relevant) / np.sum(candidates)),
    )
