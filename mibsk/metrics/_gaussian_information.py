"""Mutual information of jointly Gaussian data, in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lapack, solve_triangular
from scipy.special import digamma

from .._checks.devices import FloatMatrix, Matrix
from .._checks.magnitudes import in_range
from .._checks.matrices import as_pair
from ._description import Description
from ._pair_moments import OverMoments, PairMoments, SideMoments, pair_moments
from .statistics import Sampled, with_interval
from .undefined import UndefinedMetricError

SINGULAR = 1e-10  # of the variance of a direction: less is rounding


@with_interval
def gaussian_mutual_information(X: ArrayLike, Y: ArrayLike) -> Sampled:
    r"""Mutual information of two representations if they are jointly Gaussian, in nats.

    With :math:`\rho_k` the canonical correlations [1]_,

    .. math:: I(X; Y) = -\frac12 \sum_k \log(1 - \rho_k^2)

    from the sample's covariances, which it overestimates by about
    :math:`d_x d_y / 2n`. For other data it is that of Gaussian data with the same covariances.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row `i` is the partner of row `i` of `X`.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        At least 0. With `ci` an :class:`Estimate`.

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
            f"pass at least {width + 2} rows, or fewer columns."
        )
    X, Y = in_range(X), in_range(Y)
    if np.isnan(_information(X, Y)):
        raise UndefinedMetricError(
            "the information is infinite or undefined: some columns of {X} and {Y} are constant or "
            "linear in others; drop those, or add noise to them."
        )
    return OverMoments(
        information_of_moments, _information, X, Y, bounds=(0, np.inf), min_rows=width + 2
    )


def _information(X: Matrix, Y: Matrix) -> float:
    return information_of_moments(pair_moments(X, Y))


def information_of_moments(moments: PairMoments) -> float:
    """Return the information; NaN if a covariance is singular."""
    if _is_singular(moments.x) or _is_singular(moments.y):
        return np.nan
    if moments.white.shape == moments.xy.shape:  # no direction was left out
        found = _of_squares(moments)
        if found is not None:
            return found
    half = solve_triangular(_root(moments.x), moments.xy, lower=True)
    whitened: FloatMatrix = solve_triangular(_root(moments.y), half.T, lower=True)
    squares = np.linalg.svd(whitened, compute_uv=False) ** 2
    return float(-0.5 * np.log1p(-squares).sum()) if squares[0] < 1 - SINGULAR else np.nan


def _of_squares(moments: PairMoments) -> float | None:
    """Return the information from SSᵀ with the canonical correlations as singular values of S.

    None if a correlation is so near 1 that its square is not accurate enough.
    """
    if "squared_correlations" in vars(moments):  # another metric has needed them
        residuals = 1 - moments.squared_correlations[0]
        if residuals.min() > 0 and (1 / residuals).sum() * SINGULAR < 1:
            return float(-0.5 * np.log(residuals).sum())
        return None
    # -log det(1 - SSᵀ) / 2
    root, failed = lapack.dpotrf(
        np.eye(len(moments.white)) - moments.white_square, lower=1, clean=1
    )
    if failed:
        return None
    inverse, _ = lapack.dtrtri(root, lower=1)
    if np.vdot(inverse, inverse) * SINGULAR < 1:  # bounds the least eigenvalue
        return float(-np.log(np.diag(root)).sum())
    return None


def _is_singular(side: SideMoments) -> bool:
    """Whether columns are constant or linear in others."""
    if not side.deviations.all():
        return True
    if side.least_correlation > SINGULAR:  # a lower bound
        return False
    return bool(np.linalg.eigvalsh(_correlations(side))[0] < SINGULAR)


def _root(side: SideMoments) -> FloatMatrix:
    """Return Cholesky's factor of the products, lower."""
    root: FloatMatrix = side.deviations[:, None] * np.linalg.cholesky(_correlations(side))
    return root


def _correlations(side: SideMoments) -> FloatMatrix:
    correlations: FloatMatrix = side.products / side.deviations / side.deviations[:, None]
    return correlations


def information_by_chance(n: int, d_x: int, d_y: int) -> float:
    r"""Return the expected value for independent Gaussian data, in nats; inf for too few rows.

    The product of :math:`1 - \rho_k^2` is then Wilks' :math:`\Lambda`, which is distributed as a
    product of independent beta variables [1]_, so that with the digamma function :math:`\psi`

    .. math:: \frac12 \sum_{i=1}^{d_x} \psi\Big(\frac{n-i}2\Big)
              - \psi\Big(\frac{n-d_y-i}2\Big)

    References
    ----------
    .. [1] Anderson, "An Introduction to Multivariate Statistical Analysis", 3rd ed., Wiley 2003,
       section 8.4.
    """
    if n < d_x + d_y + 2:
        return np.inf
    i = np.arange(1, d_x + 1)
    return float((digamma((n - i) / 2) - digamma((n - d_y - i) / 2)).sum() / 2)


GAUSSIAN_MUTUAL_INFORMATION = Description(
    metric=gaussian_mutual_information,
    name="gaussian_mutual_information",
    title="Mutual information, Gaussian",
    group="information",
    better="higher",
    meaning="Nats that the sides would share if both were Gaussian; too much for few rows.",
    scored=False,
    source='Gelfand and Yaglom, "Calculation of the Amount of Information about a Random '
    'Function Contained in Another Such Function", 1959',
    span=None,
    n_resamples=200,
    squares_columns=True,
    by_chance=information_by_chance,
)
