"""Many multinomial logistic regressions on the same inputs, fitted in one solve."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from ._arrays import FloatMatrix

COARSE_TOL = 1e-3  # gradient at which float32 hands over to float64


class MultinomialFit(NamedTuple):
    """Weights of all regressions; those of target ``f`` are the rows ``segments[f]``."""

    coef: FloatMatrix  # (sum of n_classes, n_features)
    intercept: NDArray[np.float64]  # (sum of n_classes,)
    segments: list[slice]


def fit_multinomials(
    X: FloatMatrix,
    codes: Sequence[NDArray[np.intp]],
    n_classes: Sequence[int],
    *,
    l2: float,
    tol: float = 1e-5,
    max_iter: int = 5000,
) -> MultinomialFit:
    r"""Minimise the sum over targets of mean cross-entropy and penalty.

    .. math:: \sum_f \mathrm{CE}_f(W_f, b_f) + \frac{\lambda}{2n} \|W_f\|_F^2

    The targets share no weights, so the minimum of the sum is the minimum of each; solving them
    together makes one large matrix product of many small ones. A target with two classes is
    penalised as one logit, :math:`w_1 - w_0`, so that ``l2`` is scikit-learn's ``1 / C`` for all.

    L-BFGS runs twice: in float32 up to ``COARSE_TOL``, then in float64 in coordinates where the
    curvature found there is near the identity (if ``X`` is white). In those coordinates
    half the squared norm of the gradient estimates the distance to the minimum.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Inputs, best white.
    codes : sequence of ndarrays of shape (n_samples,)
        Targets, each numbered from 0.
    n_classes : sequence of int
        Number of classes of each target, all present in ``codes``.
    l2 : float
        Penalty :math:`\lambda`; intercepts are free.
    tol : float, default=1e-5
        Largest entry of the gradient, in the rescaled coordinates, at which the solve ends.
    max_iter : int, default=5000
        Bound on the iterations of either run.

    Warns
    -----
    ConvergenceWarning
        If the second run ends elsewhere than at ``tol``.
    """
    weights = np.zeros((sum(n_classes), X.shape[1] + 1))  # last column: intercepts
    counts = [np.bincount(c, minlength=k) for c, k in zip(codes, n_classes, strict=True)]
    weights[:, -1] = np.log(np.concatenate(counts) / len(X))

    coarse = _Objective(X, codes, n_classes, l2, np.float32)
    options = {"gtol": COARSE_TOL, "ftol": 0.0, "maxiter": max_iter, "maxfun": 2 * max_iter}
    found = minimize(coarse, weights.ravel(), jac=True, method="L-BFGS-B", options=options)
    weights = found.x.reshape(weights.shape)

    fine = _Objective(X, codes, n_classes, l2, np.float64)
    scales = fine.inverse_root_curvature(weights)
    scaled = fine.apply([np.linalg.inv(s).astype(np.float64) for s in scales], weights)
    options |= {"gtol": tol}
    found = minimize(
        fine, scaled.ravel(), args=(scales,), jac=True, method="L-BFGS-B", options=options
    )
    if not found.success:
        warnings.warn(
            f"the probes did not converge: {found.message}; {found.nit} iterations, largest "
            f"gradient {np.abs(found.jac).max():.1e}, tolerance {tol:g}: use a larger l2",
            ConvergenceWarning,
            stacklevel=3,
        )
    weights = fine.apply(scales, found.x.reshape(weights.shape))
    return MultinomialFit(weights[:, :-1], weights[:, -1], fine.segments)


class _Objective:
    """The loss and its gradient, class-major: logits have shape (sum of n_classes, n_samples)."""

    def __init__(
        self,
        X: FloatMatrix,
        codes: Sequence[NDArray[np.intp]],
        n_classes: Sequence[int],
        l2: float,
        dtype: DTypeLike,
    ) -> None:
        ends = np.cumsum(n_classes)
        starts = ends - n_classes
        self.XT = np.ascontiguousarray(X.T, dtype=dtype)
        self.n = len(X)
        self.segments = [slice(a, b) for a, b in zip(starts, ends, strict=True)]
        self.true = (np.stack(codes) + starts[:, None], np.arange(self.n))
        # the minimum splits a binary logit into halves: ‖w₀‖² + ‖w₁‖² = ‖w₁ − w₀‖²/2
        weight = np.repeat([2.0 if k == 2 else 1.0 for k in n_classes], n_classes)
        self.ridge = l2 / self.n
        self.penalty = np.zeros((len(weight), X.shape[1] + 1))
        self.penalty[:, :-1] = self.ridge * weight[:, None]

    def __call__(
        self, flat: NDArray[np.float64], scales: list[FloatMatrix] | None = None
    ) -> tuple[float, NDArray[np.float64]]:
        """Return loss and gradient at ``flat``, given in the coordinates of ``scales``."""
        weights = flat.reshape(self.penalty.shape)
        if scales is not None:
            weights = self.apply(scales, weights)
        cross_entropy, residual = self._softmax(weights)
        residual[self.true] -= 1
        gradient = np.empty_like(weights)
        gradient[:, :-1] = residual @ self.XT.T
        gradient[:, -1] = residual.sum(axis=1)
        gradient /= self.n
        shrunk = self.penalty * weights
        gradient += shrunk
        if scales is not None:
            gradient = self.apply(scales, gradient)
        return cross_entropy + 0.5 * float(np.vdot(shrunk, weights)), gradient.ravel()

    def apply(self, scales: list[FloatMatrix], weights: FloatMatrix) -> FloatMatrix:
        """Multiply each target's weights with its own (symmetric) matrix."""
        parts = [s @ weights[rows] for s, rows in zip(scales, self.segments, strict=True)]
        return np.concatenate(parts)

    def inverse_root_curvature(self, weights: FloatMatrix) -> list[FloatMatrix]:
        """Return ``(mean_i[diag pᵢ − pᵢpᵢᵀ] + ridge)^(−1/2)`` of each target."""
        _, P = self._softmax(weights)
        roots = []
        for rows in self.segments:
            p = P[rows]
            values, vectors = np.linalg.eigh(np.diag(p.mean(axis=1)) - p @ p.T / self.n)
            roots.append(vectors / np.sqrt(np.maximum(values, 0) + self.ridge) @ vectors.T)
        return roots

    def _softmax(self, weights: FloatMatrix) -> tuple[float, NDArray[Any]]:
        """Return the summed mean cross-entropy and the class probabilities."""
        dtype = self.XT.dtype
        P = weights[:, :-1].astype(dtype) @ self.XT
        P += weights[:, -1:].astype(dtype)
        total = -P[self.true].sum(dtype=np.float64)
        for rows in self.segments:
            logits = P[rows]  # a view, worked in place
            peak = logits.max(axis=0)
            logits -= peak
            np.exp(logits, out=logits)
            norm = logits.sum(axis=0)
            logits /= norm
            total += peak.sum(dtype=np.float64) + np.log(norm).sum(dtype=np.float64)
        return total / self.n, P
