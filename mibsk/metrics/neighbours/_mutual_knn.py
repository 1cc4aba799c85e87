"""Mutual k-nearest neighbours: the share of neighbours that two representations agree on."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._description import PLATONIC, SQUARE, Description
from ..statistics import Sampled, Values, fast_permutations, with_interval
from ._nearest import Indices
from ._overlap import ListOverlap, in_blocks
from ._ties import shared_chances


@in_blocks
def shared_neighbours(near_x: Indices, near_y: Indices) -> Values:
    """Return the share of neighbours that the two lists of a row have in common: (n,)."""
    both = np.sort(np.concatenate([near_x, near_y], axis=1), axis=1)
    counts: Values = np.count_nonzero(both[:, 1:] == both[:, :-1], axis=1) / near_x.shape[1]
    return counts


_OVERLAP = ListOverlap(shared_neighbours, shared_chances)


@fast_permutations(_OVERLAP.reorder)
@with_interval
def mutual_knn(X: ArrayLike, Y: ArrayLike, *, k: int = 10) -> Sampled:
    r"""Mean share of nearest neighbours that two representations have in common.

    .. math:: \frac1n \sum_i \frac{|\mathcal N^X_k(i) \cap \mathcal N^Y_k(i)|}{k}

    where :math:`\mathcal N^X_k(i)` are the `k` rows of `X` with the largest inner product with
    row `i`, itself left out [1]_. Rows are not scaled: pass rows of unit norm for neighbours by
    cosine. Memory is bounded: the inner products are computed in tiles of rows.

    Where rows are equally near, as equal rows are, the data do not say which are among the `k`. The
    value is then the mean over all ways to break such ties, independently in `X` and in `Y`, so
    that it does not depend on the order of the rows, and ties are no agreement:

    .. math:: \frac1{nk} \sum_i \sum_{j \ne i} p^X_{ij} \, p^Y_{ij}

    with :math:`p^X_{ij}` the probability that `j` is chosen: 1 for rows that are nearer than the
    `k`-th nearest, and for those as near as that one the number of places left over their number.
    Inner products that differ by no more than the rounding of float64 are equal.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row `i` is the partner of row `i` of `X`.
    k : int, default=10
        Number of neighbours, in ``1..n_samples - 1``.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        In [0, 1]; about ``k / (n_samples - 1)`` for independent representations, and exactly that
        where all rows of one are equal. With `ci` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If `k` is out of range or an input is not a finite matrix.

    References
    ----------
    .. [1] Huh et al., "The Platonic Representation Hypothesis", ICML 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import mutual_knn
    >>> angles = np.array([0.0, 0.1, 1.5, 1.7])
    >>> X = np.column_stack([np.cos(angles), np.sin(angles)])
    >>> mutual_knn(X, X, k=1), mutual_knn(X, X[[0, 2, 1, 3]], k=1)
    (1.0, 0.0)
    """
    return _OVERLAP.measure(X, Y, k, (0, 1))


MUTUAL_KNN = Description(
    metric=mutual_knn,
    name="mutual_knn",
    title="Mutual k-NN",
    group="alignment",
    better="higher",
    meaning="Share of a row's k nearest neighbours that are the same on both sides.",
    source=PLATONIC,
    takes_k=True,
    directions=True,
    max_rows=SQUARE,
)
