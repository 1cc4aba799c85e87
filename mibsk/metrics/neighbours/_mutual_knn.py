"""Mutual k-nearest neighbours: how far two representations agree on who is near whom."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._metric import metric
from .._resampling import CI, Estimate
from ._overlap import Values, in_blocks, mean_overlap
from ._search import Indices


@metric("alignment")
def mutual_knn(X: ArrayLike, Y: ArrayLike, *, k: int = 10, ci: CI = None) -> float | Estimate:
    r"""Mean share of nearest neighbours that two representations have in common.

    .. math:: \frac1n \sum_i \frac{|\mathcal N^X_k(i) \cap \mathcal N^Y_k(i)|}{k}

    where :math:`\mathcal N^X_k(i)` are the ``k`` rows of ``X`` with the largest inner product with
    row ``i``, itself left out [1]_. The rows are taken as they are: give rows of unit norm for
    neighbours by cosine. Among exactly equal inner products the lower row index is nearer.
    Memory is bounded: the inner products are worked off in tiles of rows.

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
        In [0, 1]; about ``k / (n_samples - 1)`` for independent representations. With ``ci`` an
        :class:`Estimate`.

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
    >>> from mibsk.metrics import mutual_knn
    >>> angles = np.array([0.0, 0.1, 1.5, 1.7])
    >>> X = np.column_stack([np.cos(angles), np.sin(angles)])
    >>> mutual_knn(X, X, k=1), mutual_knn(X, X[[0, 2, 1, 3]], k=1)
    (1.0, 0.0)
    """
    return mean_overlap(shared_neighbours, X, Y, k, ci, (0, 1))


@in_blocks
def shared_neighbours(near_x: Indices, near_y: Indices) -> Values:
    """Return the share of neighbours that the two lists of a row have in common: (n,)."""
    both = np.sort(np.concatenate([near_x, near_y], axis=1), axis=1)
    counts: Values = np.count_nonzero(both[:, 1:] == both[:, :-1], axis=1) / near_x.shape[1]
    return counts
