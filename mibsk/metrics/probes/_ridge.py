"""Ridge regressions on the same inputs."""

import numpy as np
from numpy.typing import ArrayLike

from ..._checks.devices import FloatMatrix


class RidgeRegressions:
    r"""Ridge regressions of the columns of `Y` on `X`, for any penalties, from one factorisation.

    .. math:: \min_{W, b} \|Y - X W - b\|_F^2 + \lambda \|W\|_F^2

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    Y : ndarray of shape (n_samples, n_targets)
    """

    def __init__(self, X: FloatMatrix, Y: FloatMatrix) -> None:
        self._mean_x, self._mean_y = X.mean(axis=0), Y.mean(axis=0)
        centred = X - self._mean_x
        squares, self._axes = np.linalg.eigh(centred.T @ centred)
        self._squares = np.maximum(squares, 0.0)  # but for rounding
        self._products = self._axes.T @ (centred.T @ (Y - self._mean_y))

    def predict(self, X: FloatMatrix, l2: ArrayLike) -> FloatMatrix:
        r"""Return the predictions for `X`, (n, n_targets).

        Parameters
        ----------
        X : ndarray of shape (n, n_features)
        l2 : float or ndarray of shape (n_targets,)
            Penalty :math:`\lambda`; intercepts are free.
        """
        coef = self._axes @ (self._products / (self._squares[:, None] + l2))
        predictions: FloatMatrix = (X - self._mean_x) @ coef + self._mean_y
        return predictions
