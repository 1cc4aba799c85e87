"""Gaussian information of paired modalities, with intervals."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from ..metrics.sharing import multi_information
from ..metrics.statistics import Estimate
from ._design_effects import DesignEffects
from ._directions import Whitening, off_diagonal
from ._held_out import mean_correlation
from ._moments import Matrix, Moments

ROWS_PER_COLUMN = 2
"""Smallest ratio of rows to columns at which the covariance is used without a ridge."""


def whole_information(
    moments: Moments, n: float, level: float, effects: DesignEffects | None = None
) -> Estimate | None:
    r"""Return the information of all columns, or None if there are too few rows for it.

    For Gaussian modalities :math:`X_m` with joint covariance :math:`\Sigma` it is the
    multi-information

    .. math:: I = \frac12 \Big(\sum_m \log\det \Sigma_m - \log\det \Sigma\Big),

    which for two modalities is their mutual information. The bias of the log-determinants of a
    sample covariance is known exactly [1]_ and subtracted.

    The interval contains all values that differ from the estimate by less than their own standard
    error times the quantile of the normal distribution. The variance is linear in the information:
    exact for independent modalities, and in the limit of many rows
    :math:`\frac{1}{2n} \sum_{m \ne l} \lVert K_{ml} \rVert^2` at the estimate, where :math:`K_{ml}`
    are the correlations of the whitened modalities.

    Parameters
    ----------
    moments : Moments
        Moments of all rows. If some lack a modality, two modalities are compared in the rows that
        have both; the information of more is then not known.
    n : float
        Number of rows, if none lacks a modality.
    level : float
        Level of the interval.
    effects : DesignEffects, default=None
        Those of groups of rows that are not independent: the bias is that of as many independent
        rows as the rows are worth on average, and the variances have the factors of the squares.

    References
    ----------
    .. [1] Misra, Singh and Demchuk, "Estimation of the entropy of a multivariate normal
       distribution", Journal of Multivariate Analysis 92, 2005.
    """
    if moments.pairs is not None:
        if len(moments.widths) > 2 or effects is not None:
            return None
        moments = moments.of_pair(0, 1)
        n = moments.n
    squares = weighted = 1.0
    if effects is not None:
        n /= effects.bias
        squares, weighted = effects.squares, effects.weighted / effects.bias
    whitening = Whitening.of(moments)
    ranks = whitening.ranks
    if not all(ranks) or n < ROWS_PER_COLUMN * sum(ranks) + 2:
        return None
    blocks = off_diagonal(whitening, whitening.inverse_roots([0.0] * len(ranks)))
    values = 1 + np.linalg.eigvalsh(blocks)
    if values[0] <= 1e-10:  # columns of one modality are linear in those of the others
        return None
    n_free = n - 1  # degrees of freedom of the covariance
    means, variances = zip(*(_log_moments(r, n_free) for r in [*ranks, sum(ranks)]), strict=True)
    biased = -0.5 * float(np.log(values).sum())
    value = biased - 0.5 * (sum(means[:-1]) - means[-1])
    constant = 0.25 * (variances[-1] - sum(variances[:-1]))
    # with the mean of the degrees of freedom that the columns of the modalities leave
    slope = (blocks**2).sum() / (2 * (n_free - sum(ranks) / 2)) / max(biased, 1e-300)
    return _with_score_interval(value, squares * constant, weighted * slope, level)


def _log_moments(p: int, n_free: float) -> tuple[float, float]:
    """Return mean and variance of log det of a Wishart matrix (p, p), without the scale."""
    halves = (n_free - np.arange(p)) / 2
    return float(special.digamma(halves).sum()), float(special.polygamma(1, halves).sum())


def _with_score_interval(value: float, constant: float, slope: float, level: float) -> Estimate:
    """Return an estimate of a value >= 0, whose variance at I is ``constant + slope * I``."""
    value, slope = max(float(value), 0.0), float(slope)
    q = float(stats.norm.ppf((1 + level) / 2))
    centre = value + q**2 * slope / 2
    half = q * float(np.sqrt(constant + slope * value + (q * slope / 2) ** 2))
    return Estimate(value, max(centre - half, 0.0), centre + half, level, np.empty(0))


def information_of_directions(correlations: Matrix, n: Matrix | float, level: float) -> Estimate:
    """Return the sum of the information of directions on held-out rows.

    Parameters
    ----------
    correlations : ndarray (c, M, M)
        Correlations of the variates of each direction.
    n : ndarray (c,) or float
        Number of independent rows, of each direction.
    level : float
        Level of the interval.
    """
    value = float(direction_information(correlations).sum())
    squares = np.nan_to_num(correlations**2).sum(axis=(1, 2)) - correlations.shape[1]
    variance = float((squares / (2 * np.maximum(n, 1.0))).sum())
    half = float(stats.norm.ppf((1 + level) / 2) * np.sqrt(variance))
    return Estimate(value, max(value - half, 0.0), value + half, level, np.empty(0))


def direction_information(correlations: Matrix) -> Matrix:
    """Return the information of the variates of each direction, in nats (c,).

    It is 0 for a direction whose mean correlation is not positive: it does not hold on these rows.
    """
    found = multi_information(correlations)
    return np.where(mean_correlation(correlations) > 0, found, 0.0)
