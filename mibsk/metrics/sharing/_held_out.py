"""Intervals of correlations of canonical variates on rows that did not determine them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Matrix = NDArray[np.float64]


def fisher_interval(
    correlations: Matrix, n: Matrix | float, level: float, inflation: Matrix | float = 1.0
) -> tuple[Matrix, Matrix]:
    """Return the ends of the interval of correlations of `n` rows (Fisher, 1921).

    Parameters
    ----------
    correlations : ndarray (c,)
        Correlations.
    n : ndarray (c,) or float
        Number of independent rows.
    level : float
        Level of the interval.
    inflation : ndarray (c,) or float, default=1
        Standard error relative to that of independent rows.
    """
    inside = np.clip(correlations, -1 + 1e-15, 1 - 1e-15)
    half = inflation * stats.norm.ppf((1 + level) / 2) / np.sqrt(np.maximum(n - 3, 1e-3))
    return np.tanh(np.arctanh(inside) - half), np.tanh(np.arctanh(inside) + half)


def cross_fit_inflation(train: Matrix, held_out: Matrix) -> Matrix:
    """Return the standard error of cross-fitted correlations, relative to independent rows (c,).

    The directions of different folds are determined by overlapping rows, which adds variance unless
    they are stable. The excess of the correlation on the training rows indicates this: the factor
    is 1 without excess and 1.9 if the held-out correlation is at most half of it, values to which
    simulations of Gaussian modalities were fitted (`benchmarks/canonical_coverage.py`).
    """
    share = np.divide(held_out, train, out=np.zeros_like(train), where=train > 0)
    inflation: Matrix = 1 + 0.9 * np.clip(2 * (1 - share), 0.0, 1.0)
    return inflation
