"""SVCCA: canonical correlation of the leading principal components of two representations."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .._checks.devices import Matrix
from .._checks.parameters import check_scalar
from ._description import Description
from ._moments import as_varying_pair, narrow
from ._pair_moments import OverMoments, PairMoments, pair_moments, reorder_moments
from .statistics import Sampled, fast_permutations, with_interval


def svcca_of_moments(moments: PairMoments, n_components: float = 10) -> float:
    """Return SVCCA, or NaN if no direction varies, as in a resample of equal rows alone."""
    x, y = (side.leading(n_components) for side in (moments.x, moments.y))
    found = np.linalg.svd(x.T @ moments.xy @ y, compute_uv=False)
    return float(np.minimum(found, 1.0).mean()) if found.size else np.nan


@fast_permutations(reorder_moments(svcca_of_moments, lambda X, Y: (narrow(X), narrow(Y))))
@with_interval
def svcca(X: ArrayLike, Y: ArrayLike, *, n_components: float = 10) -> Sampled:
    r"""Mean canonical correlation of the leading principal components.

    With :math:`U_X` and :math:`U_Y` the leading left singular vectors of the centred matrices,

    .. math:: \mathrm{SVCCA} = \frac1c \sum_{i=1}^c \sigma_i(U_X^\top U_Y)

    the mean of the singular values, which are the canonical correlations [1]_. All components that
    are kept have the same weight. It is above 0 for independent rows,
    about :math:`\sqrt{c/n}`, and 1 for any rows if there are no more than components.

    The decomposition is exact, so the value is the same each time. The code of [2]_ first divides
    each column by its standard deviation, and finds the components by random projections without
    oversampling: its values scatter widely about those of standardised columns.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row `i` is the partner of row `i` of `X`.
    n_components : int or float, default=10
        Number of principal components of each representation, fewer if it has fewer; in (0, 1),
        the share of the variance that they hold. [1]_ uses 0.99.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        In [0, 1]; 1 for representations that are equal up to rotation, shift and scale. With
        `ci` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If the numbers of rows differ, all rows of one side are equal, or `n_components` is out of
        range.

    References
    ----------
    .. [1] Raghu et al., "SVCCA: Singular Vector Canonical Correlation Analysis for Deep Learning
       Dynamics and Interpretability", NeurIPS 2017.
    .. [2] Huh et al., "The Platonic Representation Hypothesis", ICML 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import svcca
    >>> X, noise = np.random.default_rng(0).standard_normal((2, 500, 3))
    >>> round(svcca(X, -2 * X + 1), 6), round(svcca(X, X + noise), 1)
    (1.0, 0.7)
    """
    check_scalar("n_components", n_components, low=0, strict=True)
    if n_components >= 1 and not isinstance(n_components, int | np.integer):
        raise ValueError(
            f"n_components must be an integer of at least 1, or a share in (0, 1), got "
            f"{n_components!r}."
        )
    X, Y = as_varying_pair(X, Y, "SVCCA")

    of_moments = partial(svcca_of_moments, n_components=n_components)

    def mean_correlation(X: Matrix, Y: Matrix) -> float:
        return of_moments(pair_moments(narrow(X), narrow(Y)))

    return OverMoments(of_moments, mean_correlation, X, Y, bounds=(0, 1))


SVCCA = Description(
    metric=svcca,
    name="svcca",
    title="SVCCA",
    group="alignment",
    better="higher",
    meaning="Mean canonical correlation of the ten principal components of each side.",
    source='Raghu et al., "SVCCA: Singular Vector Canonical Correlation Analysis for Deep '
    'Learning Dynamics and Interpretability", NeurIPS 2017',
    n_resamples=200,
    squares_columns=True,
)
