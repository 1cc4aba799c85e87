"""PWCCA: canonical correlations weighted by their share of one representation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._checks.devices import Matrix
from ._description import Description
from ._moments import as_varying_pair, narrow
from ._pair_moments import OverMoments, PairMoments, pair_moments, reorder_moments
from .statistics import Sampled, fast_permutations, with_interval

SMALL = 1e-5  # squared correlation: the root of a smaller one is computed anew


def pwcca_of_moments(moments: PairMoments) -> float:
    """Return PWCCA, or NaN if no direction varies, as in a resample of equal rows alone."""
    product = moments.white
    if not product.size:
        return np.nan
    if len(product) <= product.shape[1]:
        squares, left = moments.squared_correlations
        correlations = np.sqrt(np.maximum(squares, 0))
        small = squares < SMALL  # lost in the rounding of squares
        correlations[small] = np.linalg.norm(left[:, small].T @ product, axis=1)
    else:
        left, correlations, _ = np.linalg.svd(product, full_matrices=False)
    weights = np.abs(moments.x.in_columns(left)).sum(axis=1)
    # rounding may exceed 1
    return min(float(weights @ np.minimum(correlations, 1.0) / weights.sum()), 1.0)


@fast_permutations(reorder_moments(pwcca_of_moments, lambda X, Y: (X, narrow(Y))))
@with_interval
def pwcca(X: ArrayLike, Y: ArrayLike) -> Sampled:
    r"""Mean canonical correlation, weighted by what `X` has in each canonical direction.

    With :math:`\rho_i` the canonical correlations of centred `X` and `Y`, :math:`h_i` the
    canonical variates of `X`, (n_samples,), and :math:`x_j` the columns of `X` [1]_,

    .. math:: \mathrm{PWCCA} = \frac{\sum_i \alpha_i \rho_i}{\sum_i \alpha_i}, \qquad
              \alpha_i = \sum_j |\langle h_i, x_j \rangle|

    **It is not symmetric**: the weights are those of `X`. It does not change under an invertible
    linear map of `Y`, but may change if `X` is rotated. Directions of less than 1e-6 of the
    largest standard deviation are ignored as rounding. With few rows for
    each column it is large for any data. With no more rows than columns of both together, some
    correlations are 1 for any data, and which directions have them is not determined.

    Values of published code differ. That of the authors (``google/svcca``) applies the coefficients
    of the whitened columns to columns that are not whitened, orthonormalises the result, and takes
    the weights from the representation with fewer columns, whichever argument that is. Here, the
    variates are those of the equation.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        The representation that gives the weights.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row `i` is the partner of row `i` of `X`.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        In [0, 1]; 1 where one representation is a linear map of the other. With `ci` an
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
    >>> X *= [10, 1]  # most of X is its first column,
    >>> Y = X + noise * [0.1, 10]  # which Y has, but not the second
    >>> round(pwcca(X, Y), 1), round(pwcca(Y, X), 1)
    (0.9, 0.6)
    """
    X, Y = as_varying_pair(X, Y, "PWCCA")
    return OverMoments(pwcca_of_moments, _weighted_correlation, X, Y, bounds=(0, 1))


def _weighted_correlation(X: Matrix, Y: Matrix) -> float:
    return pwcca_of_moments(pair_moments(X, narrow(Y)))


PWCCA = Description(
    metric=pwcca,
    name="pwcca",
    title="PWCCA",
    group="alignment",
    better="higher",
    meaning="Mean canonical correlation; each counts by what the first side has of it.",
    scored=False,
    source='Morcos et al., "Insights on Representational Similarity in Neural Networks with '
    'Canonical Correlation", NeurIPS 2018',
    n_resamples=200,
    squares_columns=True,
)
