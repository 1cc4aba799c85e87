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

Matrix = NDArray[np.float64]

N_FOLDS = 5


@dataclass(frozen=True)
class Moments:
    """Sums of the rows of several modalities side by side, and of their products.

    Sums are taken about an origin near the mean, so that the covariance does not lose digits.

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
    """

    widths: tuple[int, ...]
    origin: Matrix
    n: int
    total: Matrix
    products: Matrix

    @classmethod
    def empty(cls, widths: Sequence[int], origin: Matrix) -> Moments:
        """Return the moments of no rows."""
        d = len(origin)
        return cls(tuple(widths), origin, 0, np.zeros(d), np.zeros((d, d)))

    @classmethod
    def of_rows(cls, widths: Sequence[int], origin: Matrix, rows: Matrix) -> Moments:
        """Return the moments of rows (n, D), from which the origin was subtracted."""
        return cls(tuple(widths), origin, len(rows), rows.sum(axis=0), rows.T @ rows)

    def __add__(self, other: Moments) -> Moments:
        return replace(
            self,
            n=self.n + other.n,
            total=self.total + other.total,
            products=self.products + other.products,
        )

    def __sub__(self, other: Moments) -> Moments:
        return replace(
            self,
            n=self.n - other.n,
            total=self.total - other.total,
            products=self.products - other.products,
        )

    @property
    def parts(self) -> list[slice]:
        """Columns of each modality."""
        ends = np.cumsum([0, *self.widths]).tolist()
        return [slice(start, stop) for start, stop in pairwise(ends)]

    @property
    def mean(self) -> Matrix:
        """Mean of the rows (D,)."""
        mean: Matrix = self.origin + self.total / self.n
        return mean

    @property
    def scatter(self) -> Matrix:
        """Sum of the outer products of the rows less their mean (D, D)."""
        scatter: Matrix = self.products - np.outer(self.total, self.total / self.n)
        return scatter

    @property
    def blocks(self) -> list[list[Matrix]]:
        """Parts (p_m, p_k) of the scatter, between modalities m and k <= m."""
        scatter, parts = self.scatter, self.parts
        return [[scatter[a, b] for b in parts[: m + 1]] for m, a in enumerate(parts)]

    @property
    def deviations(self) -> Matrix:
        """Standard deviation of each column (D,); exactly 0 where it is below rounding."""
        squares = np.diag(self.products)
        variances = squares - self.total**2 / self.n
        rounding = self.n * np.finfo(np.float64).eps * squares
        deviations: Matrix = np.sqrt(np.where(variances > rounding, variances, 0.0) / self.n)
        return deviations

    def rescaled(self, scale: Matrix) -> Moments:
        """Return the moments of the columns divided by `scale` (D,)."""
        return replace(
            self,
            origin=self.origin / scale,
            total=self.total / scale,
            products=self.products / np.outer(scale, scale),
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

    def add(self, views: Sequence[Matrix]) -> None:
        """Add the next rows of each modality, (n, width) each."""
        rows = np.concatenate(views, axis=1, dtype=np.float64)
        first, n_folds = self.folds[0], len(self.folds)
        rows -= first.origin
        if self.group_sums is not None and self.n_seen >= self.n_summed:
            self.group_sums.add(rows, self.n_seen)
            self.n_summed += len(rows)
        if self.fold_of is None:
            fold_of = scattered_folds(self.n_seen, len(rows), n_folds)
        else:
            fold_of = self.fold_of[self.n_seen :][: len(rows)]
        for k in range(n_folds):
            part = rows[fold_of == k]
            if len(part):
                self.folds[k] += Moments.of_rows(first.widths, first.origin, part)
        self.n_seen += len(rows)
