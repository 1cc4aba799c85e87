"""Centred kernel alignment: similarity of two representations up to rotation and scale."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .._checks.devices import Matrix
from .._checks.matrices import as_pair
from .._checks.parameters import check_positive
from ._description import FEW, Description
from ._grams import Grams, RbfGrams, fit_in_memory, grams_are_smaller, reordering_is_faster
from ._hsic import PairSums, hsic, linear_sums, rbf_sums, unbiased_hsic
from ._moments import check_varies, narrow
from ._pair_moments import OverMoments, PairMoments, PermutedMoments, pair_moments
from .statistics import (
    CI,
    Estimate,
    Reordered,
    Sampled,
    fast_permutations,
    over_draws,
    over_rows,
    with_interval,
)
from .undefined import UndefinedMetricError

KERNELS = ("linear", "rbf")
_KORNBLITH = 'Kornblith et al., "Similarity of Neural Network Representations Revisited", ICML 2019'
_SONG = 'Song et al., "Feature Selection via Dependence Maximization", JMLR 13, 2012'


def _reorder(
    X: Matrix, Y: Matrix, *, kernel: str = "linear", sigma: float = 1.0, unbiased: bool = False
) -> Reordered | None:
    """Compute CKA for many orders of the rows of `Y`.

    Centring, both norms and the sums of the Gram matrices do not depend on the order; only the
    product across does.
    """
    if kernel == "rbf":
        if not fit_in_memory(X, Y):
            return None
        of_rbf = RbfGrams(X, Y, sigma).reordered()
        return lambda order: _of_sums(of_rbf(order), unbiased)
    if reordering_is_faster(X, Y):
        sums = Grams(X, Y).reordered()
        return lambda order: _of_sums(sums(order), unbiased)
    permuted = PermutedMoments(narrow(X), narrow(Y))
    return lambda order: cka_of_moments(permuted(order), unbiased=unbiased)


@fast_permutations(_reorder)
@with_interval
def cka(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: str = "linear",
    sigma: float = 1.0,
    unbiased: bool = False,
) -> Sampled:
    r"""Centred kernel alignment of two representations of the same samples.

    With Gram matrices :math:`K_{ij} = k(x_i, x_j), L_{ij} = k(y_i, y_j)` and
    :math:`H = I - \frac1n \mathbf 1 \mathbf 1^\top`,

    .. math:: \mathrm{CKA} = \frac{\mathrm{HSIC}(K, L)}
              {\sqrt{\mathrm{HSIC}(K, K)\,\mathrm{HSIC}(L, L)}},
              \qquad \mathrm{HSIC}(K, L) \propto \mathrm{tr}(K H L H)

    [1]_. The biased estimate grows with the number of features even for independent data;
    ``unbiased=True`` takes the estimator HSIC\ :sub:`1` of [2]_ in all three places, which is
    near 0 there (and may be slightly negative). The linear kernel needs no `n_samples` by
    `n_samples` matrix, since :math:`\mathrm{tr}(XX^\top YY^\top) = \|X^\top Y\|_F^2`: time grows
    with ``n_samples * n_features**2``, and rows are read in chunks. The Gram matrices of the RBF
    kernel are computed in tiles.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row `i` is the partner of row `i` of `X`.
    kernel : {"linear", "rbf"}, default="linear"
        :math:`k(a, b) = a \cdot b`, or :math:`\exp(-\|a - b\|^2 / (2\sigma^2))`.
    sigma : float, default=1.0
        Width of the RBF kernel, in the units of the representations: give rows of a known scale,
        such as unit norm. The linear kernel has none.
    unbiased : bool, default=False
        Use the unbiased estimator of HSIC; needs at least 4 samples.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval; see :class:`Bootstrap`.

    Returns
    -------
    float or Estimate
        In [0, 1], or in [-1, 1] if `unbiased`; 1 for representations that are equal up to
        rotation and shift, and, with the linear kernel, scale.

    Raises
    ------
    ValueError
        If an input has no variance (the ratio is 0/0), too few rows, or `kernel` or `sigma` is
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
        raise ValueError(f"kernel must be one of {list(KERNELS)}, got {kernel!r}.")
    check_positive("sigma", sigma)
    min_rows = 4 if unbiased else 2
    if len(X) < min_rows:
        raise ValueError(f"unbiased CKA needs at least 4 rows, got {len(X)}: pass more samples.")

    def value(X: Matrix, Y: Matrix) -> float:
        return _cka(X, Y, kernel, sigma, unbiased)

    bounds = (-1 if unbiased else 0, 1)
    if kernel == "linear":
        of_moments = partial(cka_of_moments, unbiased=unbiased)
        return OverMoments(of_moments, value, X, Y, bounds=bounds, min_rows=min_rows)

    def sampled(ci: CI) -> float | Estimate:
        if ci is None or not fit_in_memory(X, Y):
            return over_rows(value, X, Y, ci=ci, bounds=bounds, min_rows=min_rows)
        grams, n = RbfGrams(X, Y, sigma), len(X)
        return over_draws(
            _of_sums(grams.of_rows(np.arange(n)), unbiased),
            lambda drawn: _of_sums(grams.of_rows(drawn[n]), unbiased),
            [n],
            ci=ci,
            bounds=bounds,
            min_rows=min_rows,
        )

    return sampled


def _cka(X: Matrix, Y: Matrix, kernel: str, sigma: float, unbiased: bool) -> float:
    if kernel == "linear" and grams_are_smaller(X, Y):
        return _of_sums(Grams(X, Y).sums(), unbiased)
    if kernel == "linear":
        return cka_of_moments(pair_moments(narrow(X), narrow(Y)), unbiased=unbiased)
    return _of_sums(rbf_sums(X, Y, sigma), unbiased)


def cka_of_moments(moments: PairMoments, *, unbiased: bool = False) -> float:
    """Return linear CKA."""
    return _of_sums(linear_sums(moments), unbiased)


def _of_sums(sums: PairSums, unbiased: bool) -> float:
    estimate = unbiased_hsic if unbiased else hsic
    xy, xx, yy = (estimate(pair) for pair in sums)
    for name, value, pair in (("X", xx, sums.xx), ("Y", yy, sums.yy)):
        if value <= 1e-13 * pair.size:  # rounding
            kind, advice = ("unbiased ", "unbiased=False") if unbiased else ("", "another sigma")
            raise UndefinedMetricError(
                f"{kind}CKA is undefined: the estimated HSIC of {{{name}}} with itself is 0 for "
                f"{pair.n} rows; pass more samples or {advice}."
            )
    # Cauchy-Schwarz holds for both estimators; only rounding can pass the bounds
    return float(np.clip(xy / (np.sqrt(xx) * np.sqrt(yy)), -1.0, 1.0))


CKA = (
    Description(
        metric=cka,
        name="cka_unbiased",
        title="CKA, linear, unbiased",
        group="alignment",
        better="higher",
        meaning="How alike the similarities between rows are; 0 is chance, 1 the same geometry.",
        source=f"{_KORNBLITH}; {_SONG}",
        span=(-0.2, 1.0),
        squares_columns=True,
        arguments={"unbiased": True},
    ),
    Description(
        metric=cka,
        name="cka",
        title="CKA, linear, biased",
        group="alignment",
        better="higher",
        meaning="The same as usually published; it grows with the columns even for chance.",
        source=_KORNBLITH,
        squares_columns=True,
    ),
    Description(
        metric=cka,
        name="cka_rbf",
        title="CKA, RBF kernel, unbiased",
        group="alignment",
        better="higher",
        meaning="The same with a Gaussian kernel of width 1, for which only near rows are alike.",
        scored=False,
        source=f"{_KORNBLITH}; {_SONG}",
        directions=True,
        span=(-0.2, 1.0),
        max_rows=FEW,
        resample_rows=512,
        n_resamples=100,
        test_rows=500,
        arguments={"kernel": "rbf", "unbiased": True},
    ),
)
