"""Ridge regressions on the same inputs."""

import numpy as np

from ..._checks.matrices import FloatMatrix


def ridge_predictions(
    X: FloatMatrix, Y: FloatMatrix, X_test: FloatMatrix, l2: float
) -> FloatMatrix:
    r"""Return what ridge regressions of `X` on the columns of `Y` say of `X_test`.

    .. math:: \min_{W, b} \|Y - X W - b\|_F^2 + \lambda \|W\|_F^2

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    Y : ndarray of shape (n_samples, n_targets)
    X_test : ndarray of shape (n_test, n_features)
    l2 : float
        Penalty :math:`\lambda`; intercepts are free.

    Returns
    -------
    ndarray of shape (n_test, n_targets)
    """
    mean_x, mean_y = X.mean(axis=0), Y.mean(axis=0)
    moments = (X - mean_x).T @ (X - mean_x) + l2 * np.eye(X.shape[1])
    coef = np.linalg.solve(moments, (X - mean_x).T @ (Y - mean_y))
    predictions: FloatMatrix = (X_test - mean_x) @ coef + mean_y
    return predictions
