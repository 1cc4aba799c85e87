"""LCS k-nearest neighbours: how far two representations agree on the order of neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._metric import metric
from .._resampling import CI, Estimate
from ._overlap import Values, in_blocks, mean_overlap
from ._search import Indices


@metric("alignment")
def lcs_knn(X: ArrayLike, Y: ArrayLike, *, k: int = 10, ci: CI = None) -> float | Estimate:
    r"""Mean length of the longest common subsequence of the two lists of nearest neighbours.

    .. math:: \frac1n \sum_i \mathrm{LCS}\big( \mathcal N^X_k(i), \mathcal N^Y_k(i) \big)

    where :math:`\mathcal N^X_k(i)` lists the ``k`` rows of ``X`` with the largest inner product
    with row ``i``, itself left out, the nearest first [1]_. A subsequence may leave out neighbours
    but keeps their order. The length is not divided by ``k``; it is at most ``k`` times
    :func:`mutual_knn`, which does not look at the order. Rows, ties and memory are as there.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row ``i`` is the partner of row ``i`` of ``X``.
    k : int, default=10
        Number of neighbours, in ``1..n_samples - 1``.
    ci : float or Bootstrap, optional
        Level of an interval, such as 0.95, or how it is made; by default none is.

    Returns
    -------
    float or Estimate
        In [0, k]; ``k`` for equal representations. With ``ci`` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If ``k`` is out of range or an input is not a finite matrix.

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
    return mean_overlap(common_subsequence, X, Y, k, ci, (0, k))


@in_blocks
def common_subsequence(near_x: Indices, near_y: Indices) -> Values:
    """Return the length of the longest common subsequence of the two lists of each row: (n,).

    ``length[j]`` is that of the first ``i`` neighbours in x and the first ``j`` in y. The best with
    neighbour ``i`` at any of the places up to ``j`` is a running maximum.
    """
    x, y = near_x.T, np.ascontiguousarray(near_y.T)  # (k, n): a whole row per neighbour
    length = np.zeros((len(y) + 1, y.shape[1]), dtype=np.int32)
    for neighbour in x:
        longer = length[:-1] + (y == neighbour)
        np.maximum(longer, length[1:], out=longer)
        np.maximum.accumulate(longer, axis=0, out=length[1:])
    return length[-1].astype(np.float64)
