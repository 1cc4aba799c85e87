"""Uniformity: how evenly embeddings fill the sphere."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from .._checks.matrices import (
    Matrix,
    as_matrix,
    check_positive,
    largest_magnitude,
    namespace,
    on_accelerator,
)
from ._metric import metric
from ._moments import centred
from ._resampling import CI, Estimate, over_rows
from .neighbours._similarities import row_norms

SIDE = 512  # rows and columns of a tile
SIDE_ON_ACCELERATOR = 4096


@metric("geometry", better="lower", compares="each side")
def uniformity(X: ArrayLike, *, t: float = 2.0, ci: CI = None) -> float | Estimate:
    r"""Logarithm of the mean Gaussian potential of two rows: the uniformity loss of Wang and Isola.

    .. math:: \log \frac{2}{n(n-1)} \sum_{i < j} e^{-t \| x_i - x_j \|_2^2}

    [1]_. **Lower is better**: 0 for rows that have collapsed to a point, least for rows spread
    evenly over the sphere. Memory is bounded: the pairs are worked off in square tiles.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features)
        Embeddings, as a rule of unit norm.
    t : float, default=2.0
        Sharpness of the potential, above 0, per squared unit of ``X``.
    ci : float or Bootstrap, optional
        Level of an interval, such as 0.95, or how it is made; by default none is.

    Returns
    -------
    float or Estimate
        At most 0; at least ``-4 * t`` for rows of unit norm. With ``ci`` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If ``X`` is not a finite matrix, ``t`` is not positive, or rows are so far apart that their
        potentials are lost in rounding.

    References
    ----------
    .. [1] Wang and Isola, "Understanding Contrastive Representation Learning through Alignment and
       Uniformity on the Hypersphere", ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import uniformity
    >>> round(uniformity(np.eye(4)), 6)  # all at a squared distance of 2
    -4.0
    """
    X = as_matrix(X, "X")
    check_positive(t, "t")
    factors = _factors(X, float(t))
    return over_rows(_log_mean_potential, *factors, ci=ci, bounds=(-np.inf, 0))


def _factors(X: Matrix, t: float) -> tuple[Matrix, Matrix]:
    """Return two matrices whose rows i and j have the inner product ``-t ‖x_i - x_j‖²``."""
    xp = namespace(X)
    largest = largest_magnitude(X)
    too_far = (
        f"rows reach {largest:g}, too far for t={t:g}: their potentials would be lost in "
        f"rounding. Scale rows to unit norm, or t down"
    )
    if largest > 1e100:
        raise ValueError(too_far)
    X = centred(X)  # the distances do not change, and lose less to rounding
    squares = t * row_norms(X)[:, None] ** 2
    if float(xp.max(squares)) > 1e-4 / xp.finfo(X.dtype).eps:
        raise ValueError(too_far)
    ones = xp.ones_like(squares)
    X = (2 * t) ** 0.5 * X
    return xp.concat([X, -squares, ones], axis=1), xp.concat([X, ones, -squares], axis=1)


def _log_mean_potential(left: Matrix, right: Matrix) -> float:
    xp, n = namespace(left), len(left)
    side = SIDE_ON_ACCELERATOR if on_accelerator(left) else SIDE
    logs = []
    for i in range(0, n, side):
        for j in range(i, n, side):
            exponents = left[i : i + side] @ right[j : j + side].T
            share = 1.0
            if i == j:
                if len(exponents) == 1:
                    continue
                own = xp.arange(len(exponents), device=exponents.device)
                exponents[own, own] = -xp.inf  # no pair
                share = 0.5  # every pair twice
            largest = float(xp.max(exponents))
            exponents -= largest
            logs.append(largest + math.log(share * float(xp.sum(xp.exp(exponents)))))
    mean = float(np.logaddexp.reduce(logs)) - math.log(n * (n - 1) / 2)
    return min(mean, 0.0)  # but for rounding
