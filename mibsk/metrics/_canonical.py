"""Canonical correlations of two representations, the largest first, from their second moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._checks.devices import FloatMatrix, Matrix, to_numpy
from .._checks.magnitudes import in_range
from ._moments import centred, centred_chunks
from .rows import take_rows
from .statistics import Reordered

CUTOFF = 1e-6  # of the largest standard deviation: directions of less are rounding


def second_moments(X: Matrix, Y: Matrix) -> tuple[FloatMatrix, FloatMatrix, FloatMatrix]:
    """Return XᵀX, XᵀY and YᵀY of the centred matrices."""
    xx: Any = 0
    xy: Any = 0
    yy: Any = 0
    for x, y in centred_chunks(X, Y):
        xx, xy, yy = xx + x.T @ x, xy + x.T @ y, yy + y.T @ y
    return to_numpy(xx), to_numpy(xy), to_numpy(yy)


def canonical_whitening(moments: FloatMatrix, n_components: float = np.inf) -> FloatMatrix:
    """Return the leading principal axes, divided each by its standard deviation: (d, r).

    Parameters
    ----------
    moments : ndarray (d, d)
        XᵀX of a centred matrix.
    n_components : int or float
        Largest number of axes; below 1, the share of the variance that they must hold.
    """
    values, axes = np.linalg.eigh(moments)
    values, axes = values[::-1], axes[:, ::-1]
    if n_components < 1:
        held = np.cumsum(values)
        n_components = 1 + int(np.searchsorted(held, n_components * held[-1]))
    rank = int(np.count_nonzero(values > CUTOFF**2 * values[0])) if values[0] > 0 else 0
    kept = slice(int(min(n_components, rank)))
    whitened: FloatMatrix = axes[:, kept] / np.sqrt(values[kept])
    return whitened


def correlate(
    xy: FloatMatrix, whitening_x: FloatMatrix, whitening_y: FloatMatrix
) -> tuple[FloatMatrix, FloatMatrix]:
    """Return the canonical directions of X, (d_x, c), and the correlations (c,), largest first."""
    left, correlations, _ = np.linalg.svd(whitening_x.T @ xy @ whitening_y, full_matrices=False)
    return whitening_x @ left, np.minimum(correlations, 1.0)  # rounding may exceed 1


def reorder_product(
    of_product: Callable[..., Callable[[FloatMatrix], float]],
) -> Callable[..., Reordered]:
    """Return how a metric of XᵀY, XᵀX and YᵀY is computed for many orders of the rows of `Y`.

    Parameters
    ----------
    of_product : callable
        ``(XᵀX, YᵀY, **options)`` -> a function of XᵀY, which alone depends on the order.
    """

    def reorder(X: Matrix, Y: Matrix, **options: Any) -> Reordered:
        x, y = (centred(in_range(Z)) for Z in (X, Y))
        value = of_product(to_numpy(x.T @ x), to_numpy(y.T @ y), **options)
        return lambda order: value(to_numpy(x.T @ take_rows(y, order)))

    return reorder
