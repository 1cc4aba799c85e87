"""LCS k-nearest neighbours: how well two representations agree on the order of neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._description import PLATONIC, SQUARE, Description
from ..statistics import Sampled, Values, fast_permutations, with_interval
from ._nearest import Indices
from ._overlap import ListOverlap, in_blocks
from ._ties import TiedLists, matches


@in_blocks
def common_subsequence(near_x: Indices, near_y: Indices) -> Values:
    """Return the length of the longest common subsequence of the two lists of each row: (n,)."""
    x, y = near_x.T, np.ascontiguousarray(near_y.T)  # (k, n): vectorised over the n rows
    length = np.zeros((len(y) + 1, y.shape[1]), dtype=np.min_scalar_type(-len(y) - 1))
    return _longest((y == neighbour for neighbour in x), length)


def expected_subsequence(x: TiedLists, y: TiedLists) -> Values:
    """Return the same where places match with a probability: (t,)."""
    places = np.moveaxis(matches(x, y), 0, 2)  # (k, k, t)
    return _longest(places, np.zeros((len(places) + 1, len(x))))


def _longest(matching: Iterable[NDArray[Any]], length: NDArray[Any]) -> Values:
    """Return the largest sum of matches of places in increasing order: (n,).

    ``length[j]`` is that of the first ``i`` neighbours in x and the first ``j`` in y. The best with
    neighbour ``i`` at any of the places up to ``j`` is a running maximum.

    Parameters
    ----------
    matching : iterable of ndarray (k, n)
        For each place in x, how it matches the places in y.
    length : ndarray (k + 1, n)
        Zeros, which are overwritten.
    """
    for row in matching:
        longer = length[:-1] + row
        np.maximum(longer, length[1:], out=longer)
        np.maximum.accumulate(longer, axis=0, out=length[1:])
    return length[-1].astype(np.float64)


_OVERLAP = ListOverlap(common_subsequence, expected_subsequence)


@fast_permutations(_OVERLAP.reorder)
@with_interval
def lcs_knn(X: ArrayLike, Y: ArrayLike, *, k: int = 10) -> Sampled:
    r"""Mean length of the longest common subsequence of the two lists of nearest neighbours.

    .. math:: \frac1n \sum_i \mathrm{LCS}\big( \mathcal N^X_k(i), \mathcal N^Y_k(i) \big)

    where :math:`\mathcal N^X_k(i)` lists the `k` rows of `X` with the largest inner product
    with row `i`, itself left out, the nearest first [1]_. A subsequence may leave out neighbours
    but keeps their order. The length is not divided by `k`; it is at most `k` times
    :func:`mutual_knn`, which ignores the order. Rows and memory are as in :func:`mutual_knn`.

    Where rows are equally near, the data do not say which of them is at a place of the list. Place
    `a` is then any of the :math:`g^X_a` rows that are as near, with equal probability; place `a` in
    `X` and `b` in `Y` match with the probability that both are the same row,

    .. math:: m_{ab} = \frac{|G^X_a \cap G^Y_b|}{g^X_a \, g^Y_b}, \qquad
              \mathrm{LCS} = \max_{a_1 < a_2 < \dots,\; b_1 < b_2 < \dots} \sum_l m_{a_l b_l}

    where :math:`G^X_a` are those rows. Without ties :math:`m` is 0 or 1 and this is the length. It
    does not depend on the order of the rows, ties are no agreement, and it is at most the mean
    length over all ways to break ties.

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
        In [0, k]; `k` for equal representations without ties. With `ci` an :class:`Estimate`.

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
    >>> from mibsk.metrics import lcs_knn
    >>> X = np.random.default_rng(0).standard_normal((50, 3))
    >>> lcs_knn(X, 5 * X, k=4)
    4.0
    """
    return _OVERLAP.measure(X, Y, k, (0, k))


LCS_KNN = Description(
    metric=lcs_knn,
    name="lcs_knn",
    title="LCS k-NN",
    group="alignment",
    better="higher",
    meaning="How many neighbours are the same and in the same order on both sides, of k.",
    source=PLATONIC,
    takes_k=True,
    directions=True,
    span="k",
    max_rows=SQUARE,
)
