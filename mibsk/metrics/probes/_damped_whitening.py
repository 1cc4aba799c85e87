"""Principal components of equal variance."""

import numpy as np

from ..._checks.matrices import FloatMatrix

RIDGE = 1e-6  # of the largest variance: directions below it are noise, and stay small
NULL = 1e-12  # of the largest variance: directions below it are rounding, and are dropped


def damped_whitening(Z: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    """Return the mean and the matrix that turns centred rows white: (n_features, n_kept)."""
    mean = Z.mean(axis=0)
    centred = Z - mean
    n, d = Z.shape
    if n >= d:
        variances, axes = np.linalg.eigh(centred.T @ centred / n)
    else:
        _, singular, axes_t = np.linalg.svd(centred, full_matrices=False)
        variances, axes = singular**2 / n, axes_t.T
    largest = variances.max()
    rounding = (8 * np.finfo(np.float64).eps * np.abs(mean).max()) ** 2
    kept = variances > max(NULL * largest, rounding)
    return mean, axes[:, kept] / np.sqrt(variances[kept] + RIDGE * largest)
