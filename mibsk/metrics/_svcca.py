"""SVCCA: canonical correlation of the leading principal components of two representations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._checks.matrices import FloatMatrix, Matrix, as_pair, in_range
from ._canonical import correlate, second_moments, whitening
from ._metric import metric
from ._moments import check_varies, narrow
from ._resampling import CI, Estimate, over_rows


@metric("alignment")
def svcca(
    X: ArrayLike, Y: ArrayLike, *, n_components: float = 10, ci: CI = None
) -> float | Estimate:
    r"""Mean canonical correlation of the leading principal components.

    With :math:`U_X` and :math:`U_Y` the leading left singular vectors of the centred matrices,

    .. math:: \mathrm{SVCCA} = \frac1c \sum_{i=1}^c \sigma_i(U_X^\top U_Y)

    the mean of the singular values, which are the canonical correlations [1]_. All components that
    are kept count the same, however much variance they hold. It is above 0 for independent rows,
    about :math:`\sqrt{c/n}`, and 1 for any rows if there are no more than components.

    The decomposition is exact, so the value is the same each time. The code of [2]_ first divides
    each column by its standard deviation, and finds the components by random projections without
    oversampling: its values scatter widely about those of standardised columns.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row ``i`` is the partner of row ``i`` of ``X``.
    n_components : int or float, default=10
        Principal components kept of each, fewer where a representation has not as many; in (0, 1),
        as many as hold that share of the variance. [1]_ takes 0.99.
    ci : float or Bootstrap, optional
        Level of an interval, such as 0.95, or how it is made; by default none is.

    Returns
    -------
    float or Estimate
        In [0, 1]; 1 for representations that are equal up to rotation, shift and scale. With
        ``ci`` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If the numbers of rows differ, all rows of one side are equal, or ``n_components`` is out of
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
    _check_components(n_components)
    X, Y = as_pair(X, Y)
    X, Y = in_range(X), in_range(Y)
    for name, Z in (("X", X), ("Y", Y)):
        check_varies(Z, name, "SVCCA")

    def mean_correlation(X: Matrix, Y: Matrix) -> float:
        xx, xy, yy = second_moments(narrow(X), narrow(Y))
        return svcca_of_product(xx, yy, n_components)(xy)

    return over_rows(mean_correlation, X, Y, ci=ci, bounds=(0, 1))


def svcca_of_product(
    xx: FloatMatrix, yy: FloatMatrix, n_components: float = 10
) -> Callable[[FloatMatrix], float]:
    """Return SVCCA as a function of XᵀY, given XᵀX and YᵀY of the centred matrices."""
    whitening_x, whitening_y = whitening(xx, n_components), whitening(yy, n_components)

    def mean_correlation(xy: FloatMatrix) -> float:
        _, found = correlate(xy, whitening_x, whitening_y)
        return float(found.mean()) if found.size else np.nan  # equal rows drawn for an interval

    return mean_correlation


def _check_components(n_components: Any) -> None:
    is_whole = isinstance(n_components, int | np.integer)
    if isinstance(n_components, bool) or not (
        is_whole or isinstance(n_components, float | np.floating)
    ):
        raise TypeError(
            f"n_components must be a number, got {n_components!r} of type "
            f"{type(n_components).__name__}"
        )
    if not (0 < n_components < 1 or (is_whole and n_components >= 1)):
        raise ValueError(
            f"n_components must be an integer of at least 1, or a share in (0, 1), got "
            f"{n_components}"
        )
