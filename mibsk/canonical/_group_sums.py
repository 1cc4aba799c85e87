"""Groups of rows that are not independent, and how many independent rows they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ._moments import Matrix, Moments


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

    def add(self, rows: Matrix, first: int) -> None:
        """Add the rows (m, D) from number `first` on, from which the origin was subtracted."""
        known, places = np.unique(self.of_row[first : first + len(rows)], return_inverse=True)
        shape = (len(known), len(rows))
        belongs = sp.csr_array((np.ones(len(rows)), (places, np.arange(len(rows)))), shape=shape)
        self.sums[known] += belongs @ rows

    def rescaled(self, scale: Matrix) -> GroupSums:
        """Return the sums of the columns divided by `scale` (D,)."""
        other = copy(self)
        other.sums = self.sums / scale
        return other

    def intraclass(self, between: Matrix, whole: Matrix | float) -> Matrix:
        """Return the correlation of two rows of a group, by analysis of variance, in [0, 1].

        There must be at least two groups, and one of several rows.

        Parameters
        ----------
        between : ndarray (c,) or float
            Sum of squares of the columns between the groups.
        whole : ndarray (c,) or float
            Their sum of squares.
        """
        n, n_groups = self.sizes.sum(), len(self.sizes)
        usual = (self.sizes**2).sum() / n  # size of the group of a row, on average
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
