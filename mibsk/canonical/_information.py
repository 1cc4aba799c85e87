"""Gaussian information of paired modalities, with intervals."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from ..metrics.statistics import Estimate
from ._directions import Whitening, off_diagonal
from ._moments import Matrix, Moments

ROWS_PER_COLUMN = 2
"""Smallest ratio of rows to columns at which the covariance of all columns is used."""


def whole_information(moments: Moments, n: float, level: float) -> Estimate | None:
    r"""Return the information of all columns, or None if there are too few rows for it.

    For Gaussian modalities :math:`X_m` with joint covariance :math:`\Sigma` it is the
    multi-information

    .. math:: I = \frac12 \Big(\sum_m \log\det \Sigma_m - \log\det \Sigma\Big),

    which for two modalities is their mutual information. The bias of the log-determinants of a
    sample covariance is known exactly [1]_ and subtracted. The variance of the estimate is
    :math:`\frac{1}{2n} \sum_{m \ne l} \lVert K_{ml} \rVert^2` with the correlations :math:`K_{ml}`
    of whitened modalities.

    Parameters
    ----------
    moments : Moments
        Moments of all rows.
    n : float
        Number of independent rows.
    level : float
        Level of the interval.

    References
    ----------
    .. [1] Misra, Singh and Demchuk, "Estimation of the entropy of a multivariate normal
       distribution", Journal of Multivariate Analysis 92, 2005.
    """
    whitening = Whitening.of(moments)
    ranks = whitening.ranks
    if not all(ranks) or n < ROWS_PER_COLUMN * sum(ranks) + 2:
        return None
    roots = whitening.inverse_roots([0.0] * len(ranks))
    blocks = off_diagonal(whitening, roots)
    values = 1 + np.linalg.eigvalsh(blocks)
    if values[0] <= 1e-10:  # columns of one modality are linear in those of the others
        return None
    n_free = n - 1  # degrees of freedom of the covariance
    bias = 0.5 * (sum(_log_bias(r, n_free) for r in ranks) - _log_bias(sum(ranks), n_free))
    value = -0.5 * np.log(values).sum() - bias
    squares = (blocks**2).sum()
    n_pairs = sum(ranks) ** 2 - sum(rank**2 for rank in ranks)
    # sampling adds 1/n to each square; independent columns leave half of it as variance
    signal = max(squares - n_pairs / n_free, 0.0)
    n_left = n_free - sum(ranks)
    variance = signal / (2 * n_left) + n_pairs / (4 * n_left**2)
    return _estimate(value, variance, level)


def _log_bias(p: int, n_free: float) -> float:
    """Return the expectation of log det of a Wishart matrix over that of its mean, less log 2."""
    return float(special.digamma((n_free - np.arange(p)) / 2).sum())


def information_of_directions(correlations: Matrix, n: float, level: float) -> Estimate:
    """Return the sum of the information of directions on held-out rows.

    Parameters
    ----------
    correlations : ndarray (c, M, M)
        Correlations of the variates of each direction.
    n : float
        Number of independent rows.
    level : float
        Level of the interval.
    """
    value = float(direction_information(correlations).sum())
    off_diagonal = (correlations**2).sum() - correlations.shape[0] * correlations.shape[1]
    return _estimate(value, float(off_diagonal) / (2 * max(n, 1.0)), level)


def direction_information(correlations: Matrix) -> Matrix:
    """Return the information of the variates of each direction, in nats (c,)."""
    values = np.linalg.eigvalsh(correlations)
    found: Matrix = -0.5 * np.log(np.clip(values, 1e-12, None)).sum(axis=1)
    return found


def _estimate(value: float, variance: float, level: float) -> Estimate:
    half = stats.norm.ppf((1 + level) / 2) * np.sqrt(variance)
    value = max(float(value), 0.0)
    return Estimate(value, max(value - half, 0.0), value + half, level, np.empty(0))
