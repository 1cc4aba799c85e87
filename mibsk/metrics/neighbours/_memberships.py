"""How probably rows are among the nearest of each other, if ties are broken at random."""

from __future__ import annotations

import numpy as np

from ..._checks.blocks import tiles
from ..._checks.devices import Matrix, to_numpy
from ..._checks.magnitudes import in_range
from ..rows import row_norms
from ..statistics import Values
from ._inner_products import count_rows
from ._nearest import Indices, rounding_bounds, scores_of_others
from ._ties import nearer_and_tied


class Memberships:
    r"""Probabilities :math:`p_{ij}` that row `j` is among the `k` nearest of row `i`.

    With :math:`s_{ij}` the inner product and :math:`b_i` the `k`-th largest of row `i`, it is 1
    where :math:`s_{ij} > b_i`; where both are equal, the places that are left over their number;
    and else 0. Since :math:`s` is symmetric, a tile of it gives :math:`p_{ji}` too, so that
    no matrix of all pairs is kept.

    Parameters
    ----------
    X : array or tensor of shape (n, d)
        What `as_matrix` returns.
    k : int
        In ``1..n - 1``.
    """

    def __init__(self, X: Matrix, k: int) -> None:
        self.X, n = in_range(X), len(X)
        self.bounds = rounding_bounds(self.X)
        self.largest_product = float(to_numpy(row_norms(self.X)).max()) ** 2 or 1.0
        self.kth, self.bound_of_kth, self.share = np.empty((3, n))
        for part in tiles(n, n):
            rows = np.arange(part.start, part.stop)
            S = scores_of_others(self.X, rows)
            nearer, tied, self.kth[part], self.bound_of_kth[part] = nearer_and_tied(
                S, rows, self.bounds, k
            )
            self.share[part] = (k - count_rows(nearer)) / count_rows(tied)

    def tile(self, rows: Indices) -> tuple[Values, Values, Values]:
        """Return the products of some rows with all, and both probabilities: (t, n) each.

        A product with itself is 0.
        """
        S = scores_of_others(self.X, rows)
        own = self.bounds[rows, None]
        margin = np.maximum(self.bounds, self.bound_of_kth[rows, None]) * own
        there = _probability(S - self.kth[rows, None], margin, self.share[rows, None])
        margin = np.maximum(own, self.bound_of_kth) * self.bounds
        back = _probability(S - self.kth, margin, self.share)
        S[np.arange(len(rows)), rows] = 0
        return S, there, back


def _probability(above: Values, margin: Values, share: Values) -> Values:
    probability: Values = np.where(above > margin, 1.0, np.where(above >= -margin, share, 0.0))
    return probability
