"""Procrustes similarity: how well one representation can be rotated onto another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .._checks.matrices import FloatMatrix, Matrix, as_pair, in_range
from ._canonical import second_moments
from ._metric import metric
from ._moments import check_varies, narrow
from ._resampling import CI, Estimate, over_rows


@metric("alignment")
def procrustes(X: ArrayLike, Y: ArrayLike, *, ci: CI = None) -> float | Estimate:
    r"""Similarity of two representations after the best shift, scaling and rotation.

    With centred ``X`` and ``Y``,

    .. math:: s = \max_{Q^\top Q = I} \frac{\langle X Q, Y \rangle}{\|X\|_F \|Y\|_F}
                = \frac{\| X^\top Y \|_*}{\|X\|_F \|Y\|_F}

    with the nuclear norm, the sum of singular values, above; the narrower side is thought of as
    filled up with columns of 0. The disparity of Procrustes analysis is :math:`1 - s^2` [1]_, and
    :math:`\arccos s` is the angular distance between the two shapes, which is a metric [2]_.
    Linear CKA is the same with Frobenius norms, and gives the leading directions more weight. It is
    above 0 for independent rows, the more so the fewer rows there are for each column.

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
        In [0, 1]; 1 for representations that are equal up to rotation, reflection, shift and
        scale. With ``ci`` an :class:`Estimate`.

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
    X, Y = as_pair(X, Y)
    X, Y = in_range(X), in_range(Y)
    for name, Z in (("X", X), ("Y", Y)):
        check_varies(Z, name, "Procrustes similarity")
    return over_rows(_similarity, X, Y, ci=ci, bounds=(0, 1))


def _similarity(X: Matrix, Y: Matrix) -> float:
    xx, xy, yy = second_moments(narrow(X), narrow(Y))
    return procrustes_of_product(xx, yy)(xy)


def procrustes_of_product(xx: FloatMatrix, yy: FloatMatrix) -> Callable[[FloatMatrix], float]:
    """Return the similarity as a function of XᵀY, given XᵀX and YᵀY of the centred matrices."""
    scale = np.sqrt(np.trace(xx)) * np.sqrt(np.trace(yy))

    def similarity(xy: FloatMatrix) -> float:
        if scale == 0:  # rows that were drawn for an interval may all be equal
            return np.nan
        found = np.linalg.svd(xy, compute_uv=False).sum() / scale
        return min(float(found), 1.0)  # but for rounding

    return similarity
