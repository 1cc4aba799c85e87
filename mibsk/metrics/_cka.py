"""Centred kernel alignment: how alike two representations are, up to rotation and scale."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks.matrices import Matrix, as_pair, check_positive, to_numpy
from ._hsic import (
    hsic,
    linear_sums,
    rbf_sums,
    sum_of_squares,
    unbiased_hsic,
    unit,
)
from ._metric import metric
from ._moments import centred, check_varies, narrow
from ._resampling import CI, Estimate, over_rows
from .neighbours._similarities import squared_norms
from .rows import take_rows

KERNELS = ("linear", "rbf")


@metric("alignment")
def cka(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: str = "linear",
    sigma: float = 1.0,
    unbiased: bool = False,
    ci: CI = None,
) -> float | Estimate:
    r"""Centred kernel alignment of two representations of the same samples.

    With Gram matrices :math:`K_{ij} = k(x_i, x_j), L_{ij} = k(y_i, y_j)` and
    :math:`H = I - \frac1n \mathbf 1 \mathbf 1^\top`,

    .. math:: \mathrm{CKA} = \frac{\mathrm{HSIC}(K, L)}
              {\sqrt{\mathrm{HSIC}(K, K)\,\mathrm{HSIC}(L, L)}},
              \qquad \mathrm{HSIC}(K, L) \propto \mathrm{tr}(K H L H)

    [1]_. The biased estimate grows with the number of features even for independent data;
    ``unbiased=True`` takes the estimator HSIC\ :sub:`1` of [2]_ in all three places, which is
    near 0 there (and may be slightly negative). The linear kernel needs no ``n_samples`` by
    ``n_samples`` matrix, since :math:`\mathrm{tr}(XX^\top YY^\top) = \|X^\top Y\|_F^2`: time grows
    with ``n_samples * n_features**2``, and rows are read in chunks. The Gram matrices of the RBF
    kernel are worked off in tiles.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row ``i`` is the partner of row ``i`` of ``X``.
    kernel : {"linear", "rbf"}, default="linear"
        :math:`k(a, b) = a \cdot b`, or :math:`\exp(-\|a - b\|^2 / (2\sigma^2))`.
    sigma : float, default=1.0
        Width of the RBF kernel, in the units of the representations: give rows of a known scale,
        such as unit norm. The linear kernel has none.
    unbiased : bool, default=False
        Use the unbiased estimator of HSIC; needs at least 4 samples.
    ci : float or Bootstrap, optional
        Level of an interval; see :class:`Bootstrap`.

    Returns
    -------
    float or Estimate
        In [0, 1], or in [-1, 1] if ``unbiased``; 1 for representations that are equal up to
        rotation and shift, and, with the linear kernel, scale.

    Raises
    ------
    ValueError
        If an input has no variance (the ratio is 0/0), too few rows, or ``kernel`` or ``sigma`` is
        unknown or out of range.

    References
    ----------
    .. [1] Kornblith et al., "Similarity of Neural Network Representations Revisited", ICML 2019.
    .. [2] Song et al., "Feature Selection via Dependence Maximization", JMLR 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import cka
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [0.0, 3.0]])
    >>> rotated = 5 * X @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> round(cka(X, rotated), 6)
    1.0
    """
    X, Y = as_pair(X, Y)
    for name, Z in (("X", X), ("Y", Y)):
        check_varies(Z, name, "CKA")
    if kernel not in KERNELS:
        raise ValueError(f"kernel must be one of {list(KERNELS)}, got {kernel!r}")
    check_positive(sigma, "sigma")
    min_rows = 4 if unbiased else 2
    if len(X) < min_rows:
        raise ValueError(f"unbiased CKA needs at least 4 rows, got {len(X)}: pass more samples")

    def value(X: Matrix, Y: Matrix) -> float:
        return _cka(X, Y, kernel, sigma, unbiased)

    return over_rows(value, X, Y, ci=ci, bounds=(-1 if unbiased else 0, 1), min_rows=min_rows)


def _cka(X: Matrix, Y: Matrix, kernel: str, sigma: float, unbiased: bool) -> float:
    sums = linear_sums(X, Y) if kernel == "linear" else rbf_sums(X, Y, sigma)
    estimate = unbiased_hsic if unbiased else hsic
    xy, xx, yy = (estimate(pair) for pair in sums)
    for name, value, pair in (("X", xx, sums.xx), ("Y", yy, sums.yy)):
        if value <= 1e-13 * pair.size:  # rounding
            kind, advice = ("unbiased ", "unbiased=False") if unbiased else ("", "another sigma")
            raise ValueError(
                f"{kind}CKA is undefined: the estimated HSIC of {name} with itself is 0 for "
                f"{len(X)} rows; pass more samples or {advice}"
            )
    # Cauchy-Schwarz holds for both estimators; only rounding can pass the bounds
    return float(np.clip(xy / (np.sqrt(xx) * np.sqrt(yy)), -1.0, 1.0))


def repaired_linear_cka(
    X: Matrix, Y: Matrix, *, unbiased: bool
) -> Callable[[NDArray[np.intp]], float]:
    """Return a function that maps an order of the rows of `Y` to the linear CKA with `X`.

    The Gram matrix of reordered rows has the same sums, and centring and both norms stay as they
    are.
    """
    sums = linear_sums(X, Y)
    estimate = unbiased_hsic if unbiased else hsic
    norm = np.sqrt(estimate(sums.xx)) * np.sqrt(estimate(sums.yy))
    x, y = (unit(Z) * centred(narrow(Z)) for Z in (X, Y))
    a, b = (to_numpy(squared_norms(z)) for z in (x, y))

    def value(order: NDArray[np.intp]) -> float:
        product, diagonal = sum_of_squares(x.T @ take_rows(y, order)), float(a @ b[order])
        across = sums.xy._replace(
            product_off=product - diagonal, diagonal=diagonal, rows_off=diagonal
        )
        return float(np.clip(estimate(across) / norm, -1.0, 1.0))

    return value
