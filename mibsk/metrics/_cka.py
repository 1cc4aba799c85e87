"""Centred kernel alignment: how alike two representations are, up to rotation and scale."""

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import FloatMatrix, as_pair


def cka(X: ArrayLike, Y: ArrayLike, *, unbiased: bool = False) -> float:
    r"""Linear centred kernel alignment of two representations of the same samples.

    With centred ``X`` and ``Y`` and :math:`K = XX^\top, L = YY^\top`,

    .. math:: \mathrm{CKA} = \frac{\mathrm{HSIC}(K, L)}
              {\sqrt{\mathrm{HSIC}(K, K)\,\mathrm{HSIC}(L, L)}},
              \qquad \mathrm{HSIC}(K, L) \propto \mathrm{tr}(KL) = \|X^\top Y\|_F^2

    [1]_. The biased estimate grows with the number of features even for independent data;
    ``unbiased=True`` takes the estimator HSIC\ :sub:`1` of [2]_ in all three places, which is
    near 0 there (and may be slightly negative). Neither forms an ``n_samples`` by ``n_samples``
    matrix unless there are fewer samples than features.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row ``i`` is the partner of row ``i`` of ``X``.
    unbiased : bool, default=False
        Use the unbiased estimator of HSIC; needs at least 4 samples.

    Returns
    -------
    float
        In [0, 1], or in [-1, 1] if ``unbiased``; 1 for representations that are equal up to
        rotation, shift and scale.

    Raises
    ------
    ValueError
        If an input has no variance (the ratio is 0/0), or too few rows.

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
    if unbiased and len(X) < 4:
        raise ValueError(f"unbiased CKA needs at least 4 rows, got {len(X)}: pass more samples")
    X, Y = _centre(X, "X"), _centre(Y, "Y")
    hsic = _unbiased_hsic if unbiased else _squared_cross_product
    hsic_xx, hsic_yy = hsic(X, X), hsic(Y, Y)
    for name, Z, value in (("X", X, hsic_xx), ("Y", Y, hsic_yy)):
        if value <= 1e-13 * np.vdot(Z, Z) ** 2:  # rounding
            raise ValueError(
                f"unbiased CKA is undefined: the estimated HSIC of {name} with itself is 0 "
                f"for {len(Z)} rows; pass more samples or unbiased=False"
            )
    # Cauchy-Schwarz holds for both estimators; only rounding can pass the bounds
    return float(np.clip(hsic(X, Y) / np.sqrt(hsic_xx * hsic_yy), -1.0, 1.0))


def _centre(X: FloatMatrix, name: str) -> FloatMatrix:
    """Take off the column means and bring the largest entry to 1, which guards the squares."""
    if (X[0] == X).all():
        raise ValueError(
            f"CKA is undefined: all {len(X)} rows of {name} are equal; pass rows that vary"
        )
    X = X - X.mean(axis=0)
    X /= np.abs(X).max()
    return X


def _squared_cross_product(X: FloatMatrix, Y: FloatMatrix) -> float:
    """Return ``‖XᵀY‖²_F = tr(XXᵀ YYᵀ)`` by whichever side is smaller."""
    if len(X) < max(X.shape[1], Y.shape[1]):
        return float(np.vdot(X @ X.T, Y @ Y.T))
    cross = X.T @ Y
    return float(np.vdot(cross, cross))


def _unbiased_hsic(X: FloatMatrix, Y: FloatMatrix) -> float:
    """HSIC_1 of centred ``X`` and ``Y``, times ``n(n−3)``.

    K̃ and L̃ are the Gram matrices with a zero diagonal; a and b are the diagonals taken off.
    Centred rows sum to zero, so ``K̃1 = −a`` and ``L̃1 = −b``, and the three terms of the estimator
    ``tr(K̃L̃) + 1ᵀK̃1·1ᵀL̃1/((n−1)(n−2)) − 2·1ᵀK̃L̃1/(n−2)`` need no Gram matrix.
    """
    n = len(X)
    a, b = np.einsum("nd,nd->n", X, X), np.einsum("nd,nd->n", Y, Y)
    trace = _squared_cross_product(X, Y) - a @ b
    return float(trace + a.sum() * b.sum() / ((n - 1) * (n - 2)) - 2 * (a @ b) / (n - 2))
