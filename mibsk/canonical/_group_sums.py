"""Groups of rows that are not independent, and how many independent rows they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ._pair_sums import Matrix, Present

if TYPE_CHECKING:
    from ._moments import Moments


class GroupSums:
    """Sums of the rows of each group.

    Parameters
    ----------
    groups : ndarray of int (n,)
        Group of each row.
    width : int
        Number of columns D of all modalities.
    """

    def __init__(self, groups: NDArray[np.intp], width: int) -> None:
        _, self.of_row, self.sizes = np.unique(groups, return_inverse=True, return_counts=True)
        self.sums = np.zeros((len(self.sizes), width))
        self.pair_sizes: Matrix | None = (
            None  # rows with both modalities (G, M, M), if some lack one
        )

    def add(self, rows: Matrix, first: int, present: Present | None = None) -> None:
        """Add the rows (m, D) from number `first` on, from which the origin was subtracted.

        Rows are 0 in the modalities that they lack, where `present` (m, M) is False.
        """
        if present is not None or self.pair_sizes is not None:
            self._count_pairs(first, len(rows), present)
        known, places = np.unique(self.of_row[first : first + len(rows)], return_inverse=True)
        shape = (len(known), len(rows))
        belongs = sp.csr_array((np.ones(len(rows)), (places, np.arange(len(rows)))), shape=shape)
        self.sums[known] += belongs @ rows

    def _count_pairs(self, first: int, n: int, present: Present | None) -> None:
        """Count the rows of each group that have both of two modalities."""
        if self.pair_sizes is None:
            assert present is not None
            so_far = np.bincount(self.of_row[:first], minlength=len(self.sizes))
            self.pair_sizes = np.zeros((len(self.sizes), present.shape[1], present.shape[1]))
            self.pair_sizes += so_far[:, None, None]
        has = np.ones((n, self.pair_sizes.shape[1]), bool) if present is None else present
        pairs = (has[:, :, None] & has[:, None, :]).astype(np.float64)
        np.add.at(self.pair_sizes, self.of_row[first : first + n], pairs)

    def rescaled(self, scale: Matrix) -> GroupSums:
        """Return the sums of the columns divided by `scale` (D,)."""
        other = copy(self)
        other.sums = self.sums / scale
        return other

    def intraclass(
        self, between: Matrix, whole: Matrix | float, sizes: Matrix | None = None
    ) -> Matrix:
        """Return the correlation of two rows of a group, by analysis of variance, in [0, 1].

        There must be at least two groups, and one of several rows.

        Parameters
        ----------
        between : ndarray (c,) or float
            Sum of squares of the columns between the groups.
        whole : ndarray (c,) or float
            Their sum of squares.
        sizes : ndarray (G,), default=None
            Number of rows of each group; None: all of them.
        """
        counted = self.sizes if sizes is None else sizes
        n, n_groups = counted.sum(), len(counted)
        usual = (counted**2).sum() / n  # size of the group of a row, on average
        of_groups = between / (n_groups - 1)
        of_rows = np.maximum(whole - between, 0.0) / (n - n_groups)
        scale = np.asarray(of_groups + ((n - usual) / (n_groups - 1) - 1) * of_rows)
        share = np.divide(of_groups - of_rows, scale, out=np.zeros_like(scale), where=scale > 0)
        return np.clip(share, 0.0, 1.0)

    def design_effects(self, total: Moments, maps: Sequence[Matrix]) -> Matrix:
        r"""Return the factor of the variance of the correlation of each direction (c,).

        If the variates of two modalities do not depend on each other, but have the correlations
        :math:`\iota` and :math:`\iota'` within groups of :math:`n_g` of the :math:`n` rows, it is

        .. math:: 1 + \Big(\sum_g n_g^2 / n - 1\Big) \iota \iota',

        as for two series of observations [1]_. :math:`\iota` is estimated by analysis of variance
        [2]_; of more modalities, the product is the mean over pairs.

        Parameters
        ----------
        total : Moments
            Moments of all rows, about the same origin.
        maps : sequence of ndarray (p_m, c)
            Directions of each modality.

        References
        ----------
        .. [1] Bartlett, "Some aspects of the time-correlation problem in regard to tests of
           significance", Journal of the Royal Statistical Society 98, 1935.
        .. [2] Donner, "A review of inference procedures for the intraclass correlation coefficient
           in the one-way random effects model", International Statistical Review 54, 1986.
        """
        if self.pair_sizes is not None:
            return self._effects_of_pairs(self.pair_sizes, total, maps)
        n, n_groups = self.sizes.sum(), len(self.sizes)
        usual = (self.sizes**2).sum() / n  # size of the group of a row, on average
        if n_groups in (1, n):  # of one group the correlation is not known, and counts as 1
            return np.full(maps[0].shape[1], usual)
        means = total.total / total.n
        within = []
        for m, (part, A) in enumerate(zip(total.parts, maps, strict=True)):
            sums = (self.sums[:, part] - np.outer(self.sizes, means[part])) @ A
            between = (sums**2 / self.sizes[:, None]).sum(axis=0)
            whole = (A * (total.blocks[m][m] @ A)).sum(axis=0) * n / total.n
            within.append(self.intraclass(between, whole))
        products = [a * b for a, b in combinations(within, 2)]
        effects: Matrix = 1 + (usual - 1) * np.mean(products, axis=0)
        return effects

    def _effects_of_pairs(
        self, pair_sizes: Matrix, total: Moments, maps: Sequence[Matrix]
    ) -> Matrix:
        """Return the design effects of each pair, from the rows that have both (c, M, M)."""
        counts = np.maximum(pair_sizes.sum(axis=0), 1.0)
        usual = (pair_sizes**2).sum(axis=0) / counts  # (M, M)
        means = total.total / total.n_of_columns
        within = []
        for m, (part, A) in enumerate(zip(total.parts, maps, strict=True)):
            sizes = pair_sizes[:, m, m]
            known = sizes > 0
            sizes = sizes[known]
            if len(sizes) in (1, sizes.sum()):  # the correlation is not known, and counts as 1
                within.append(np.ones(A.shape[1]))
                continue
            sums = (self.sums[known, part] - np.outer(sizes, means[part])) @ A
            between = (sums**2 / sizes[:, None]).sum(axis=0)
            whole = (A * (total.blocks[m][m] @ A)).sum(axis=0) * sizes.sum() / total.counts[m, m]
            within.append(self.intraclass(between, whole, sizes))
        iota = np.stack(within, axis=1)  # (c, M)
        effects: Matrix = 1 + np.maximum(usual - 1, 0.0) * iota[:, :, None] * iota[:, None, :]
        return effects
