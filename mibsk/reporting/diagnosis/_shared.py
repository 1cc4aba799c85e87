"""What tables share linearly: a test, held-out correlations, and information, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..._checks.groups import Groups
from ...canonical import (
    DesignEffects,
    FoldedMoments,
    Solution,
    information_of_directions,
    mean_correlation,
    permutation_test,
    solve,
    whole_information,
)
from ._numbers import Number
from ._power import rows_needed, visible
from ._tables import Rows

TESTED_ROWS = 2000
TESTED_OF_MANY = 1000  # of each pair of three and more tables
LISTED = 12  # directions
N_NULL = 19  # permutations behind the null of the correlations: their largest is the 95% quantile
LEAST_GROUPS = 7  # with fewer, there are too few permutations of them


@dataclass(frozen=True)
class PairingTest:
    """Permutation test of whether anything linear is shared.

    Attributes
    ----------
    p_value : float or None
        Share of permutations that reach the information of the partners, which count as one; None
        if there was no test.
    n_permutations : int
        Number of permutations.
    n_rows : int
        Number of rows that were permuted.
    n_groups : int or None
        Number of groups, if whole ones were permuted.
    """

    p_value: float | None
    n_permutations: int
    n_rows: int
    n_groups: int | None = None


@dataclass(frozen=True)
class Direction:
    """One canonical direction.

    Attributes
    ----------
    correlation : Number
        Mean correlation of the tables on held-out rows.
    train : float
        That on the rows that determined the direction.
    by_chance : float or None
        Largest of 19 held-out correlations of permuted partners.
    rows_needed : Number or None
        Rows with which a test of all columns sees such a direction with probability 0.8.
    """

    correlation: Number
    train: float
    by_chance: float | None
    rows_needed: Number | None


@dataclass(frozen=True)
class Shared:
    """What some of the tables share linearly.

    Attributes
    ----------
    names : tuple of str
        The tables.
    test : PairingTest
        Whether it is chance.
    directions : tuple of Direction
        The strongest ones, at most 12.
    n_directions : int
        Number of directions whose correlation is distinguishable from 0 on held-out rows.
    information : Number
        Gaussian information of the tables in nats.
    of_columns : bool
        Whether it is that of all columns, or, with fewer than two rows per column, a lower bound:
        that of the directions that hold up.
    n_independent : float
        Number of independent rows that the rows are worth, for the strongest direction.
    visible : float or None
        Smallest correlation that these rows show with probability 0.8, in a test of all columns;
        None with fewer than two rows per column.
    """

    names: tuple[str, ...]
    test: PairingTest
    directions: tuple[Direction, ...]
    n_directions: int
    information: Number
    of_columns: bool
    n_independent: float
    visible: float | None


def find_shared(
    names: Sequence[str],
    views: Sequence[Rows],
    groups: Groups,
    *,
    level: float,
    n_permutations: int,
    rng: np.random.Generator,
    tested_rows: int = TESTED_ROWS,
    with_null: bool = False,
) -> Shared:
    """Return what some tables share linearly.

    Parameters
    ----------
    names : sequence of str
        Their names.
    views : sequence of ndarray (n, r_m)
        Their standardised rows.
    groups : ndarray of int (n,) or None
        Groups of the rows.
    level : float
        Level of the intervals.
    n_permutations : int
        Number of permutations of the test; 0: no test.
    rng : Generator
        Draws the permutations.
    tested_rows : int, default=2000
        Largest number of rows for the test.
    with_null : bool, default=False
        Whether held-out correlations of permuted partners are found, too.
    """
    n, widths = len(views[0]), [view.shape[1] for view in views]
    moments = _moments(views, groups)
    sums = moments.group_sums
    solution = solve(moments.folds, separate_ridges=True, level=level, group_sums=sums)
    kept = solution.n_kept("auto")
    effects = None if sums is None else DesignEffects.of(sums, moments.total, solution.maps)
    design = np.ones(len(solution.low)) if effects is None else effects.directions
    whole = whole_information(moments.total, n, level, effects)
    found = whole
    if found is None:
        found = information_of_directions(solution.held_out[:kept], n / design[:kept], level)
    by_chance = _null(views, groups, solution, rng) if with_null and n_permutations else None
    n_independent = n / float(design[0])
    return Shared(
        names=tuple(names),
        test=pairing_test(
            views, groups, n_permutations=n_permutations, rng=rng, tested_rows=tested_rows
        ),
        directions=tuple(_directions(solution, design, by_chance, widths)),
        n_directions=kept,
        information=Number(found.value, found.low, found.high),
        of_columns=whole is not None,
        n_independent=n_independent,
        visible=visible(n_independent, widths),
    )


def subsets_of(n_tables: int) -> list[tuple[int, ...]]:
    """Return the numbers of the tables of each pair, if there are more than two tables."""
    return list(combinations(range(n_tables), 2)) if n_tables > 2 else []


def pairing_test(
    views: Sequence[Rows],
    groups: Groups,
    *,
    n_permutations: int,
    rng: np.random.Generator,
    tested_rows: int = TESTED_ROWS,
) -> PairingTest:
    """Test whether tables share anything linear, by permutations of rows or of whole groups.

    Groups are permuted as a whole, after each is thinned to the same number of rows: rows of one
    group depend on each other, and permuted rows would not.
    """
    chosen, size = equal_groups(groups, len(views[0]), tested_rows, rng)
    n_groups = None if groups is None else len(chosen) // size
    if not n_permutations or (n_groups is not None and n_groups < LEAST_GROUPS):
        return PairingTest(None, 0, len(chosen), n_groups)
    parts = [view[chosen] for view in views]
    parts = [part[:, part.std(axis=0) > 1e-9] for part in parts]
    if not all(part.shape[1] for part in parts):
        return PairingTest(None, 0, len(chosen), n_groups)
    found = permutation_test(
        parts,
        n_components=1,
        n_permutations=n_permutations,
        level=1.0,
        rng=rng,
        rows_together=size,
    )
    return PairingTest(float(found.p_values[0]), n_permutations, len(chosen), n_groups)


def equal_groups(
    groups: Groups, n: int, largest: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], int]:
    """Return rows in which groups of one size follow each other, and that size.

    The size is the one with which most rows are kept: groups with fewer are left out, and of larger
    ones some rows are drawn. Without groups the size is 1. At most about `largest` rows are kept.
    """
    if groups is None:
        return np.sort(rng.permutation(n)[:largest]), 1
    sizes = np.bincount(groups)
    options = np.unique(sizes[sizes > 0])
    size = int(options[np.argmax([option * (sizes >= option).sum() for option in options])])
    kept = rng.permutation(np.flatnonzero(sizes >= size))
    if len(kept) * size > largest:  # more groups are worth more than more rows of each
        size = max(min(size, largest // len(kept)), 1)
        kept = kept[: max(largest // size, 1)]
    order = rng.permutation(n)
    by_group = order[np.argsort(groups[order], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    found = np.concatenate([by_group[starts[group] :][:size] for group in kept])
    return found, size


def _moments(views: Sequence[Rows], groups: Groups) -> FoldedMoments:
    """Return the moments of the folds that `CanonicalBottleneck` has."""
    widths = [view.shape[1] for view in views]
    moments = FoldedMoments(widths, np.zeros(sum(widths)), groups)
    moments.add(views)
    return moments


def _directions(
    solution: Solution, design: Rows, by_chance: Rows | None, widths: Sequence[int]
) -> list[Direction]:
    train, held_out = mean_correlation(solution.train), mean_correlation(solution.held_out)
    found = []
    for i in range(min(len(held_out), LISTED)):
        low, value, high = float(solution.low[i]), float(held_out[i]), float(solution.high[i])
        needed = None
        if low > 0:
            rows = [float(np.ceil(rows_needed(r, widths) * design[i])) for r in (value, high, low)]
            needed = Number(*rows)
        chance = None if by_chance is None or i >= len(by_chance) else float(by_chance[i])
        found.append(Direction(Number(value, low, high), float(train[i]), chance, needed))
    return found


def _null(
    views: Sequence[Rows], groups: Groups, solution: Solution, rng: np.random.Generator
) -> Rows:
    """Return the largest of some held-out correlations of permuted partners, of each direction."""
    chosen, size = np.arange(len(views[0])), 1
    if groups is not None:
        chosen, size = equal_groups(groups, len(views[0]), len(views[0]), rng)
        groups = np.repeat(np.arange(len(chosen) // size), size)
    ridge = float(np.exp(np.mean(np.log(np.maximum(solution.ridges, 1e-12)))))
    found = []
    for _ in range(N_NULL):
        permuted = [views[0][chosen]]
        for view in views[1:]:
            order = rng.permutation(len(chosen) // size)
            permuted.append(view[chosen.reshape(-1, size)[order].ravel()])
        folds = _moments(permuted, groups).folds
        null = solve(folds, ridge=ridge, n_components=LISTED)
        found.append(mean_correlation(null.held_out))
    c = min(map(len, found))
    largest: Rows = np.max([each[:c] for each in found], axis=0)
    return largest
