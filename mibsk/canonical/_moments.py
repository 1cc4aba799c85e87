"""Second moments of paired modalities, which can be added over chunks and folds of rows."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .._checks.groups import Groups, fold_of_rows
from ._group_sums import GroupSums
from ._joint_covariance import joint_covariance
from ._pair_sums import Matrix, PairSums, Present

N_FOLDS = 5


@dataclass(frozen=True)
class Moments:
    """Sums of the rows of several modalities side by side, and of their products.

    Sums are taken about an origin near the mean, so that the covariance does not lose digits. A row
    counts as 0 in the modalities that it lacks, so that each sum is over the rows that have what it
    needs.

    Parameters
    ----------
    widths : tuple of int
        Number of columns of each modality, with the sum D.
    origin : ndarray (D,)
        Values subtracted from all rows.
    n : int
        Number of rows.
    total : ndarray (D,)
        Sum of the rows.
    products : ndarray (D, D)
        Sum of the outer products of the rows.
    pairs : PairSums, default=None
        Numbers and sums of the rows that have both of two modalities; None if all have all.
    """

    widths: tuple[int, ...]
    origin: Matrix
    n: int
    total: Matrix
    products: Matrix
    pairs: PairSums | None = None

    @classmethod
    def empty(cls, widths: Sequence[int], origin: Matrix) -> Moments:
        """Return the moments of no rows."""
        d = len(origin)
        return cls(tuple(widths), origin, 0, np.zeros(d), np.zeros((d, d)))

    @classmethod
    def of_rows(
        cls, widths: Sequence[int], origin: Matrix, rows: Matrix, present: Present | None = None
    ) -> Moments:
        """Return the moments of rows (n, D), from which the origin was subtracted.

        Rows are 0 in the modalities that they lack, where `present` (n, M) is False.
        """
        found = cls(tuple(widths), origin, len(rows), rows.sum(axis=0), rows.T @ rows)
        if present is None or present.all():
            return found
        return replace(found, pairs=PairSums.of_rows(found.parts, rows, present))

    def __add__(self, other: Moments) -> Moments:
        return replace(
            self,
            n=self.n + other.n,
            total=self.total + other.total,
            products=self.products + other.products,
            pairs=None if self.is_complete(other) else self.pair_sums + other.pair_sums,
        )

    def __sub__(self, other: Moments) -> Moments:
        return replace(
            self,
            n=self.n - other.n,
            total=self.total - other.total,
            products=self.products - other.products,
            pairs=None if self.is_complete(other) else self.pair_sums - other.pair_sums,
        )

    def is_complete(self, *others: Moments) -> bool:
        """Whether no row of these moments, and of others, lacks a modality."""
        return all(each.pairs is None for each in (self, *others))

    @property
    def pair_sums(self) -> PairSums:
        """Sums of each pair of modalities, also of complete rows."""
        if self.pairs is None:
            return PairSums.of_complete(self.parts, self.n, self.total, self.products)
        return self.pairs

    @property
    def counts(self) -> NDArray[np.intp]:
        """Number of rows that have both of two modalities (M, M)."""
        n_modalities = len(self.widths)
        if self.pairs is None:
            return np.full((n_modalities, n_modalities), self.n, dtype=np.intp)
        return self.pairs.counts

    @property
    def n_of_columns(self) -> NDArray[np.intp] | int:
        """Number of rows that have each column (D,); one number if no row lacks any."""
        if self.pairs is None:
            return self.n
        return np.repeat(np.maximum(np.diag(self.pairs.counts), 1), self.widths)

    def of_pair(self, m: int, k: int) -> Moments:
        """Return the moments of two modalities in the rows that have both."""
        a, b = self.parts[m], self.parts[k]
        columns = np.r_[a, b]
        sums = self.pair_sums
        products = self.products[np.ix_(columns, columns)]
        p = self.widths[m]
        products[:p, :p], products[p:, p:] = sums.squares[m][k], sums.squares[k][m]
        return Moments(
            (p, self.widths[k]),
            self.origin[columns],
            int(sums.counts[m, k]),
            np.concatenate([sums.totals[k, a], sums.totals[m, b]]),
            products,
        )

    @property
    def parts(self) -> list[slice]:
        """Columns of each modality."""
        ends = np.cumsum([0, *self.widths]).tolist()
        return [slice(start, stop) for start, stop in pairwise(ends)]

    @property
    def mean(self) -> Matrix:
        """Mean of the rows (D,)."""
        mean: Matrix = self.origin + self.total / self.n_of_columns
        return mean

    @property
    def covariance(self) -> Matrix:
        """Covariance of the columns (D, D), positive definite up to the rank of each modality.

        If rows lack modalities, it is that of `joint_covariance`.
        """
        if self.pairs is not None:
            return joint_covariance(self)
        scatter: Matrix = self.products - np.outer(self.total, self.total / self.n)
        return scatter / self.n

    @property
    def blocks(self) -> list[list[Matrix]]:
        """Scatter (p_m, p_k) of the modalities m and k <= m, in the rows that have both."""
        parts = self.parts
        if self.pairs is None:
            scatter = self.products - np.outer(self.total, self.total / self.n)
            return [[scatter[a, b] for b in parts[: m + 1]] for m, a in enumerate(parts)]
        return [
            [self.pairs.cross_scatter(parts, self.products, m, k) for k in range(m + 1)]
            for m in range(len(parts))
        ]

    @property
    def own_blocks(self) -> list[list[Matrix]] | None:
        """Scatter (p_m, p_m) of each modality m in the rows that also have k, by m and k.

        None if no row lacks a modality: it is then the same for all k.
        """
        if self.pairs is None:
            return None
        parts, each = self.parts, range(len(self.widths))
        return [[self.pairs.own_scatter(parts, m, k) for k in each] for m in each]

    @property
    def deviations(self) -> Matrix:
        """Standard deviation of each column (D,); exactly 0 where it is below rounding."""
        n = self.n_of_columns
        squares = np.diag(self.products)
        variances = squares - self.total**2 / n
        rounding = n * np.finfo(np.float64).eps * squares
        deviations: Matrix = np.sqrt(np.where(variances > rounding, variances, 0.0) / n)
        return deviations

    def rescaled(self, scale: Matrix) -> Moments:
        """Return the moments of the columns divided by `scale` (D,)."""
        return replace(
            self,
            origin=self.origin / scale,
            total=self.total / scale,
            products=self.products / np.outer(scale, scale),
            pairs=None if self.pairs is None else self.pairs.rescaled(self.parts, scale),
        )


def scattered_folds(first: int, n: int, n_folds: int) -> NDArray[np.intp]:
    """Return the folds of the rows from number `first` on, (n,).

    Each of `n_folds` successive rows is in another fold. Where they begin depends on a hash of the
    row number, so that the folds of ordered rows are alike: with fold ``i % 5``, rows whose classes
    alternate in an order of ten would have eight of them in training, and the two others held out.
    """
    numbers = np.arange(first, first + n, dtype=np.uint64)
    mixed = numbers // np.uint64(n_folds) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    shifts = (mixed ^ (mixed >> np.uint64(29))) % np.uint64(n_folds)
    return ((numbers + shifts) % np.uint64(n_folds)).astype(np.intp)


class FoldedMoments:
    """Moments of the rows of each fold.

    Parameters
    ----------
    widths : sequence of int
        Number of columns of each modality.
    origin : ndarray (D,)
        A row near the mean.
    groups : ndarray of int (n,), default=None
        Groups of the rows, each of which is in one of 5 folds (of as many as groups if these are
        fewer). None: of five successive rows, each is in another fold, in an order that does not
        repeat (`scattered_folds`).
    """

    def __init__(self, widths: Sequence[int], origin: Matrix, groups: Groups = None) -> None:
        self.fold_of = None if groups is None else fold_of_rows(groups, N_FOLDS)
        n_folds = N_FOLDS if self.fold_of is None else int(self.fold_of.max()) + 1
        self.folds = [Moments.empty(widths, origin)] * n_folds
        self.n_seen = 0
        self.group_sums = None if groups is None else GroupSums(groups, len(origin))
        self.n_summed = 0

    @property
    def n(self) -> int:
        """Number of rows of all folds, which counts repeated ones."""
        return sum(fold.n for fold in self.folds)

    @property
    def parts(self) -> list[slice]:
        """Columns of each modality."""
        return self.folds[0].parts

    @property
    def total(self) -> Moments:
        """Moments of all rows."""
        return sum(self.folds[1:], start=self.folds[0])

    def copy(self) -> FoldedMoments:
        """Return a copy, to which further rows can be added."""
        copied = copy.copy(self)
        copied.folds = list(self.folds)
        copied.fold_of = copied.group_sums = None  # which are of the rows seen so far
        return copied

    def restart(self, first: int = 0) -> None:
        """Take the next rows for those from `first` on again, with other partners."""
        self.n_seen = first

    def add(self, views: Sequence[Matrix], present: Sequence[Present] | None = None) -> None:
        """Add the next rows.

        Parameters
        ----------
        views : sequence of ndarray (n, width)
            The rows of each modality. Those that are not present may have any values.
        present : sequence of ndarray of bool (n,), default=None
            Which rows have each modality; None: all have all.
        """
        rows = np.concatenate(views, axis=1, dtype=np.float64)
        first, n_folds = self.folds[0], len(self.folds)
        rows -= first.origin
        has = None
        if present is not None and not all(mask.all() for mask in present):
            has = np.stack(present, axis=1)
            rows[~np.repeat(has, first.widths, axis=1)] = 0.0
        if self.group_sums is not None and self.n_seen >= self.n_summed:
            self.group_sums.add(rows, self.n_seen, has)
            self.n_summed += len(rows)
        if self.fold_of is None:
            fold_of = scattered_folds(self.n_seen, len(rows), n_folds)
        else:
            fold_of = self.fold_of[self.n_seen :][: len(rows)]
        for k in range(n_folds):
            part, having = rows[fold_of == k], None if has is None else has[fold_of == k]
            if len(part):
                self.folds[k] += Moments.of_rows(first.widths, first.origin, part, having)
        self.n_seen += len(rows)


def near_mean(views: Sequence[Matrix], present: Sequence[Present] | None = None) -> Matrix:
    """Return the mean of the first rows (D,), about which sums lose no digits.

    Parameters
    ----------
    views : sequence of ndarray (n, width)
        The first rows of each modality.
    present : sequence of ndarray of bool (n,), default=None
        Which rows have each modality; None: all have all.
    """
    if present is not None:
        views = [view[mask] for view, mask in zip(views, present, strict=True)]
    return np.concatenate(
        [view.mean(axis=0) if len(view) else np.zeros(view.shape[1]) for view in views]
    )
