"""Mutual information of jointly Gaussian data: exact, to check estimators against."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular

from .._checks.matrices import FloatMatrix, Matrix, as_pair, in_range
from ._canonical import second_moments
from ._metric import metric
from ._resampling import CI, Estimate, over_rows

SINGULAR = 1e-10  # of the variance of a direction: what is left of it is rounding


@metric("information")
def gaussian_mutual_information(X: ArrayLike, Y: ArrayLike, *, ci: CI = None) -> float | Estimate:
    r"""Mutual information of two representations if they are jointly Gaussian, in nats.

    With :math:`\rho_k` the canonical correlations [1]_,

    .. math:: I(X; Y) = -\frac12 \sum_k \log(1 - \rho_k^2)

    from the sample's covariances, which it overestimates by about
    :math:`d_x d_y / 2n`. For data that is not Gaussian it is the information of Gaussian data with
    the same covariances.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row ``i`` is the partner of row ``i`` of ``X``.
    ci : float or Bootstrap, optional
        Level of an interval, such as 0.95, or how it is made; by default none is.

    Returns
    -------
    float or Estimate
        At least 0. With ``ci`` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If there are too few rows for so many columns, or the information is infinite or undefined,
        because columns are constant or linear in others.

    References
    ----------
    .. [1] Gelfand and Yaglom, "Calculation of the Amount of Information about a Random Function
       Contained in Another Such Function", American Mathematical Society Translations 12, 1959.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import gaussian_mutual_information
    >>> X, noise = np.random.default_rng(0).standard_normal((2, 10_000, 1))
    >>> round(gaussian_mutual_information(X, X + noise), 1)  # log(2) / 2
    0.3
    """
    X, Y = as_pair(X, Y)
    n, width = len(X), X.shape[1] + Y.shape[1]
    if n < width + 2:
        raise ValueError(
            f"with {X.shape[1]} and {Y.shape[1]} columns the information of {n} rows is infinite: "
            f"pass at least {width + 2} rows, or fewer columns"
        )
    X, Y = in_range(X), in_range(Y)
    value = _information(X, Y)
    if np.isnan(value):
        raise ValueError(
            "the information is infinite or undefined: some columns of X and Y are constant or "
            "linear in others; drop those, or add noise to them"
        )
    return (
        value
        if ci is None
        else over_rows(_information, X, Y, ci=ci, bounds=(0, np.inf), min_rows=width + 2)
    )


def _information(X: Matrix, Y: Matrix) -> float:
    """Return the information; NaN if a covariance is singular."""
    xx, xy, yy = second_moments(X, Y)
    roots = []
    for moments in (xx, yy):
        deviations = np.sqrt(np.diag(moments))
        if not deviations.all():
            return np.nan
        correlations = moments / deviations / deviations[:, None]
        if np.linalg.eigvalsh(correlations)[0] < SINGULAR:
            return np.nan
        roots.append(deviations[:, None] * np.linalg.cholesky(correlations))
    half = solve_triangular(roots[0], xy, lower=True)
    whitened: FloatMatrix = solve_triangular(roots[1], half.T, lower=True)
    squares = np.linalg.svd(whitened, compute_uv=False) ** 2
    return float(-0.5 * np.log1p(-squares).sum()) if squares[0] < 1 - SINGULAR else np.nan
