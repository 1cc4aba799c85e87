"""PWCCA: canonical correlation, weighted by what one representation has in each direction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .._checks.matrices import FloatMatrix, Matrix, as_pair, in_range
from ._canonical import correlate, second_moments, whitening
from ._metric import metric
from ._moments import check_varies, narrow
from ._resampling import CI, Estimate, over_rows


@metric("alignment")
def pwcca(X: ArrayLike, Y: ArrayLike, *, ci: CI = None) -> float | Estimate:
    r"""Mean canonical correlation, weighted by what ``X`` has in each canonical direction.

    With :math:`\rho_i` the canonical correlations of centred ``X`` and ``Y``, :math:`h_i` the
    canonical variates of ``X``, (n_samples,), and :math:`x_j` the columns of ``X`` [1]_,

    .. math:: \mathrm{PWCCA} = \frac{\sum_i \alpha_i \rho_i}{\sum_i \alpha_i}, \qquad
              \alpha_i = \sum_j |\langle h_i, x_j \rangle|

    **It is not symmetric**: ``X`` weighs. It does not change under any invertible linear map of
    ``Y``, while for ``X`` the columns count, so that rotating it may change the value. Directions
    of less than 1e-6 of the largest standard deviation are left out as rounding. With few rows for
    each column it is large for any data. With no more rows than columns of both together, some
    correlations are 1 for any data, and which directions have them is not determined.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        The representation that weighs.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row ``i`` is the partner of row ``i`` of ``X``.
    ci : float or Bootstrap, optional
        Level of an interval, such as 0.95, or how it is made; by default none is.

    Returns
    -------
    float or Estimate
        In [0, 1]; 1 where one representation is a linear map of the other. With ``ci`` an
        :class:`Estimate`.

    Raises
    ------
    ValueError
        If the numbers of rows differ, or all rows of one side are equal.

    References
    ----------
    .. [1] Morcos et al., "Insights on Representational Similarity in Neural Networks with Canonical
       Correlation", NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import pwcca
    >>> X, noise = np.random.default_rng(0).standard_normal((2, 500, 2))
    >>> X *= [10, 1]  # most of X lies in its first column,
    >>> Y = X + noise * [0.1, 10]  # which Y holds, as it does not the other
    >>> round(pwcca(X, Y), 1), round(pwcca(Y, X), 1)
    (0.9, 0.6)
    """
    X, Y = as_pair(X, Y)
    X, Y = in_range(X), in_range(Y)
    for name, Z in (("X", X), ("Y", Y)):
        check_varies(Z, name, "PWCCA")
    return over_rows(_weighted_correlation, X, Y, ci=ci, bounds=(0, 1))


def _weighted_correlation(X: Matrix, Y: Matrix) -> float:
    xx, xy, yy = second_moments(X, narrow(Y))
    return pwcca_of_product(xx, yy)(xy)


def pwcca_of_product(xx: FloatMatrix, yy: FloatMatrix) -> Callable[[FloatMatrix], float]:
    """Return PWCCA as a function of XᵀY, given XᵀX and YᵀY of the centred matrices."""
    whitening_x, whitening_y = whitening(xx), whitening(yy)

    def weighted_correlation(xy: FloatMatrix) -> float:
        directions, correlations = correlate(xy, whitening_x, whitening_y)
        weights = np.abs(directions.T @ xx).sum(axis=1)
        # equal rows, drawn for an interval, leave no direction
        return float(weights @ correlations / weights.sum()) if weights.size else np.nan

    return weighted_correlation
