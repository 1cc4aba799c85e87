"""Procrustes similarity: how well one representation can be rotated onto another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._checks.devices import FloatMatrix, Matrix
from ._description import Description
from ._factorisations import eigenvalues, singular_values
from ._moments import as_varying_pair, narrow
from ._pair_moments import OverMoments, PairMoments, pair_moments, reorder_moments
from .statistics import Sampled, fast_permutations, with_interval

ROUNDING = 4e-15  # of squared singular values, relative to the largest
ACCURACY = 1e-10  # of their sum, up to which they are found from their squares


def procrustes_of_moments(moments: PairMoments) -> float:
    """Return the similarity, or NaN if no row varies, as in a resample of equal rows alone."""
    scale = np.sqrt(moments.x.total) * np.sqrt(moments.y.total)
    if scale == 0:
        return np.nan
    return min(_nuclear_norm(moments.xy / scale), 1.0)  # rounding may exceed 1


def _nuclear_norm(A: FloatMatrix) -> float:
    """Return the sum of the singular values."""
    product = A @ A.T if A.shape[0] <= A.shape[1] else A.T @ A
    squares = eigenvalues(product)  # in a third of the time of the singular values
    rounding = ROUNDING * squares[-1]
    found = np.sqrt(np.maximum(squares, rounding))
    if (rounding / found).sum() < ACCURACY * found.sum():
        return float(np.sqrt(np.maximum(squares, 0)).sum())
    return float(singular_values(A).sum())


@fast_permutations(reorder_moments(procrustes_of_moments, lambda X, Y: (narrow(X), narrow(Y))))
@with_interval
def procrustes(X: ArrayLike, Y: ArrayLike) -> Sampled:
    r"""Similarity of two representations after the best shift, scaling and rotation.

    With centred `X` and `Y`,

    .. math:: s = \max_{Q^\top Q = I} \frac{\langle X Q, Y \rangle}{\|X\|_F \|Y\|_F}
                = \frac{\| X^\top Y \|_*}{\|X\|_F \|Y\|_F}

    with the nuclear norm, the sum of singular values, in the numerator; the narrower side is
    padded with columns of 0. The disparity of Procrustes analysis is :math:`1 - s^2` [1]_, and
    :math:`\arccos s` is the angular distance between the two shapes, which is a metric [2]_.
    Linear CKA has Frobenius norms instead, and gives the leading directions more weight. The value
    is above 0 for independent rows, and grows the fewer rows there are per column.

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
        In [0, 1]; 1 for representations that are equal up to rotation, reflection, shift and
        scale. With `ci` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If the numbers of rows differ, or all rows of one side are equal.

    References
    ----------
    .. [1] Gower, "Generalized Procrustes Analysis", Psychometrika 40, 1975.
    .. [2] Williams et al., "Generalized Shape Metrics on Neural Representations", NeurIPS 2021.

    Examples
    --------
    >>> from mibsk.metrics import procrustes
    >>> X = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]
    >>> turned = [[3.0, 0.0], [0.0, -3.0], [6.0, -6.0]]
    >>> round(procrustes(X, turned), 6), round(procrustes(X, [[0.0], [1.0], [2.0]]), 2)
    (1.0, 0.79)
    """
    X, Y = as_varying_pair(X, Y, "Procrustes similarity")
    return OverMoments(procrustes_of_moments, _similarity, X, Y, bounds=(0, 1))


def _similarity(X: Matrix, Y: Matrix) -> float:
    return procrustes_of_moments(pair_moments(narrow(X), narrow(Y)))


PROCRUSTES = Description(
    metric=procrustes,
    name="procrustes",
    title="Procrustes",
    group="alignment",
    better="higher",
    meaning="How well the best rotation of one side fits the other.",
    source='Williams et al., "Generalized Shape Metrics on Neural Representations", NeurIPS 2021',
    n_resamples=200,
    squares_columns=True,
)
