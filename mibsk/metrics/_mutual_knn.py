"""Mutual k-nearest neighbours: how far two representations agree on who is near whom."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arrays import FloatMatrix, as_pair, check_k, in_range, tiles


def mutual_knn(X: ArrayLike, Y: ArrayLike, *, k: int = 10) -> float:
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

    Returns
    -------
    float
        In [0, 1]; about ``k / (n_samples - 1)`` for independent representations.

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
    X, Y = as_pair(X, Y)
    check_k(k, len(X) - 1)
    X, Y = in_range(X), in_range(Y)
    shared = 0
    for rows in tiles(len(X), len(X)):
        shared += int(np.count_nonzero(_neighbours(X, rows, k) & _neighbours(Y, rows, k)))
    return float(shared / (len(X) * k))


def _neighbours(X: FloatMatrix, rows: slice, k: int) -> NDArray[np.bool_]:
    """Mark the ``k`` nearest rows of ``X`` for each of ``rows``: shape (len(rows), n)."""
    scores = X[rows] @ X.T
    scores[np.arange(len(scores)), np.arange(rows.start, rows.stop)] = -np.inf
    kth = np.partition(scores, -k, axis=1)[:, [-k]]
    near = scores >= kth
    crowded = np.flatnonzero(near.sum(axis=1) > k)  # more than one row at the k-th place
    if crowded.size:
        above = scores[crowded] > kth[crowded]
        tied = near[crowded] & ~above
        room = k - above.sum(axis=1, keepdims=True)
        near[crowded] = above | (tied & (tied.cumsum(axis=1) <= room))
    return near
