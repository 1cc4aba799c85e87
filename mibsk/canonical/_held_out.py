"""Correlations of canonical variates on rows that did not determine the directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import optimize, stats

from ._moments import Matrix


def variate_scatter(scatter: Sequence[Sequence[Matrix]], maps: Sequence[Matrix]) -> Matrix:
    """Return the scatter of the variates of each direction over the modalities, (c, M, M).

    Parameters
    ----------
    scatter : sequence of sequence of ndarray (p_m, p_k)
        Scatter of the columns of the modalities m and k, for k <= m.
    maps : sequence of ndarray (p_m, c)
        Directions of each modality.
    """
    n_modalities, c = len(maps), maps[0].shape[1]
    found = np.empty((c, n_modalities, n_modalities))
    for m in range(n_modalities):
        for k in range(m + 1):
            found[:, m, k] = ((scatter[m][k].T @ maps[m]) * maps[k]).sum(axis=0)
            found[:, k, m] = found[:, m, k]
    return found


def as_correlations(scatter: Matrix) -> Matrix:
    """Return correlation matrices (c, M, M); an empty variate is uncorrelated with all."""
    variances = np.einsum("cmm->cm", scatter)  # that of an empty variate may round to below 0
    deviations = np.sqrt(np.maximum(variances, 0.0))
    scale = deviations[:, :, None] * deviations[:, None, :]
    correlations = np.divide(scatter, scale, out=np.zeros_like(scatter), where=scale > 0)
    np.einsum("cmm->cm", correlations)[:] = 1.0
    clipped: Matrix = np.clip(correlations, -1.0, 1.0)
    return clipped


def mean_correlation(correlations: Matrix) -> Matrix:
    """Return the mean over the pairs of modalities (c,)."""
    n_modalities = correlations.shape[-1]
    total = correlations.sum(axis=(1, 2)) - n_modalities
    mean: Matrix = total / (n_modalities * (n_modalities - 1))
    return mean


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


def decreasing(values: Matrix) -> Matrix:
    """Return the closest decreasing sequence (isotonic regression)."""
    if not len(values):
        return values
    fitted: Matrix = optimize.isotonic_regression(values, increasing=False).x
    return fitted
