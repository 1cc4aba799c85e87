"""CKNNA: centred kernel alignment of what is near in both representations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from ..._checks.matrices import CHUNK_SIZE, Matrix, in_range, namespace, to_numpy
from .._metric import metric
from .._resampling import CI, Estimate
from ..rows import take_rows
from ._overlap import neighbours_of_pair, over_neighbours
from ._search import Indices
from ._similarities import as_double


@metric("alignment")
def cknna(X: ArrayLike, Y: ArrayLike, *, k: int = 10, ci: CI = None) -> float | Estimate:
    r"""Centred kernel nearest-neighbour alignment of two representations.

    With the kernels :math:`K = XX^\top, L = YY^\top`, and the mask :math:`a_{ij} = 1` where ``j``
    is among the ``k`` nearest neighbours of ``i`` in ``X`` **and** in ``Y``, else 0 [1]_,

    .. math:: \mathrm{CKNNA} = \frac{\mathrm{Align}(K, L)}
              {\sqrt{\mathrm{Align}(K, K)\,\mathrm{Align}(L, L)}},
              \qquad \mathrm{Align}(K, L) = \mathrm{HSIC}_1(a \odot K, a \odot L)

    where the mask of :math:`\mathrm{Align}(K, K)` has the neighbours in ``X`` alone, and
    :math:`\mathrm{HSIC}_1` is the unbiased estimator of [2]_. For ``k = n_samples - 1`` it is
    unbiased CKA; the smaller ``k``, the more local. Being a neighbour is not mutual, so the masked
    kernels are not symmetric, nor, by a little, is the measure. Only neighbours are stored,
    ``n_samples * k`` numbers. Rows, ties and memory are as in :func:`mutual_knn`.

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
        1 for representations that are equal up to rotation and scale, near 0 for independent ones.
        Beyond that it has no strict bounds, since the three masks differ. With ``ci`` an
        :class:`Estimate`.

    Raises
    ------
    ValueError
        If ``k`` is out of range, there are fewer than 4 rows, or an alignment of a representation
        with itself is not positive, as where few neighbours are so of each other.

    References
    ----------
    .. [1] Huh et al., "The Platonic Representation Hypothesis", ICML 2024.
    .. [2] Song et al., "Feature Selection via Dependence Maximization", JMLR 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import cknna
    >>> X, noise = np.random.default_rng(0).standard_normal((2, 100, 3))
    >>> round(cknna(X, 5 * X), 6), round(cknna(X, X + noise), 1)
    (1.0, 0.4)
    """
    X, Y, near_x, near_y = neighbours_of_pair(X, Y, k)
    if len(X) < 4:
        raise ValueError(f"CKNNA needs at least 4 rows, got {len(X)}: pass more samples")
    X, Y = in_range(X), in_range(Y)
    value = _aligned(X, Y, near_x, near_y)
    if np.isnan(value):
        raise ValueError(
            f"CKNNA is undefined for k={k} and {len(X)} rows: the estimated HSIC of X or of Y with "
            f"itself, among neighbours, is not positive; pass more samples or a larger k"
        )
    if ci is None:
        return value

    def of_drawn(near_x: Indices, near_y: Indices, rows: Indices) -> float:
        return _aligned(take_rows(X, rows), take_rows(Y, rows), near_x, near_y)

    return over_neighbours(value, of_drawn, X, Y, k, ci=ci, min_rows=4)


def _aligned(X: Matrix, Y: Matrix, near_x: Indices, near_y: Indices) -> float:
    """Return CKNNA, or NaN where it is not defined."""
    K, L = _kernel_of_neighbours(X, near_x), _kernel_of_neighbours(Y, near_y)
    own_x, own_y = _hsic(K, K), _hsic(L, L)
    for own, kernel in ((own_x, K), (own_y, L)):
        if own <= 1e-13 * (kernel.data @ kernel.data):  # rounding
            return np.nan
    shared = _hsic(K.multiply(_mask(L)), L.multiply(_mask(K)))
    return shared / float(np.sqrt(own_x) * np.sqrt(own_y))


def _kernel_of_neighbours(X: Matrix, near: Indices) -> Any:
    """Return a sparse (n, n) matrix of the inner products of rows with their neighbours."""
    (n, k), xp = near.shape, namespace(X)
    step = max(1, CHUNK_SIZE // (k * X.shape[1]))
    scores = np.empty((n, k))
    for start in range(0, n, step):
        rows = slice(start, start + step)
        neighbours = as_double(take_rows(X, near[rows].ravel()))  # (rows * k, d)
        own = as_double(X[rows])[:, None, :]
        neighbours = xp.reshape(neighbours, (own.shape[0], k, -1))
        scores[rows] = to_numpy(xp.sum(own * neighbours, axis=2))
    scores /= np.abs(scores).max() or 1.0
    columns = near.ravel().astype(np.int32)
    kernel = csr_array((scores.ravel(), columns, np.arange(n + 1) * k), shape=(n, n))
    kernel.sort_indices()
    return kernel


def _mask(kernel: Any) -> Any:
    return csr_array((np.ones_like(kernel.data), kernel.indices, kernel.indptr), kernel.shape)


def _hsic(K: Any, L: Any) -> float:
    """Return HSIC_1 of two kernels with a diagonal of 0, times ``n(n-3)``."""
    n = K.shape[0]
    trace = K.multiply(L.T.tocsr()).sum()
    total = K.sum() * L.sum() / ((n - 1) * (n - 2))
    return float(trace + total - 2 * (K.sum(axis=0) @ L.sum(axis=1)) / (n - 2))
