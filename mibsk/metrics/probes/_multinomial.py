"""Many multinomial logistic regressions on the same inputs, fitted in one solve."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from ..._checks.matrices import FloatMatrix

COARSE_TOL = 3e-4  # gradient at which L-BFGS hands over to Newton's method
FORCING = 0.1  # of the gradient: what may be left of it in a Newton step
MAX_PRODUCTS = 100  # of the Hessian, for one Newton step
MAX_HALVINGS = 30  # of a Newton step
NOTHING = 1e-10  # nats: a Newton step that promises no more is not taken
FLOOR = 1e-5  # of the largest curvature: below it the preconditioner follows rounding


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
    l2: float | Sequence[float] | NDArray[np.float64],
    start: MultinomialFit | None = None,
    tol: float = 1e-5,
    max_iter: int = 5000,
) -> MultinomialFit:
    r"""Minimise the sum over targets of mean cross-entropy and penalty.

    .. math:: \sum_f \mathrm{CE}_f(W_f, b_f) + \frac{\lambda_f}{2n} \|W_f\|_F^2

    The targets share no weights, so the minimum of the sum is the minimum of each; solving them
    together makes one large matrix product of many small ones. A target with two classes is
    penalised as one logit, :math:`w_1 - w_0`, so that ``l2`` is scikit-learn's ``1 / C`` for all.

    L-BFGS runs in float32 up to ``COARSE_TOL``, in coordinates where targets of unequal penalties
    are about equally curved. Then follow Newton steps, each target with its own
    step size: gradients in float64, and steps from conjugate gradients, for which products with the
    Hessian in float32 are enough. In coordinates where the curvature between classes is the
    identity (as is nearly all curvature, if ``X`` is white), half the squared norm of the gradient
    estimates the distance to the minimum.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Inputs, best white.
    codes : sequence of ndarrays of shape (n_samples,)
        Targets, each numbered from 0.
    n_classes : sequence of int
        Number of classes of each target, all present in ``codes``.
    l2 : float, or sequence of one for each target
        Penalty :math:`\lambda_f`; intercepts are free.
    start : MultinomialFit, optional
        Weights to start from, such as those of another penalty; by default none but the
        intercepts of the classes' shares.
    tol : float, default=1e-5
        Largest entry of the gradient, in those coordinates, at which the solve ends.
    max_iter : int, default=5000
        Bound on the iterations of L-BFGS and on the Newton steps.

    Warns
    -----
    ConvergenceWarning
        If the Newton steps end elsewhere than at ``tol``, with something left to gain.
    """
    objective = _Objective(X, codes, n_classes, l2)
    counts = [np.bincount(c, minlength=k) for c, k in zip(codes, n_classes, strict=True)]
    shares = np.concatenate(counts) / len(X)
    if start is None:
        weights = np.zeros(objective.penalty.shape)  # last column: intercepts
        weights[:, -1] = np.log(shares)
    else:
        weights = np.column_stack([start.coef, start.intercept])
    scales = objective.scales(shares)
    options = {"gtol": COARSE_TOL, "ftol": 0.0, "maxiter": max_iter, "maxfun": 2 * max_iter}
    found = minimize(
        objective.coarse,
        (weights / scales).ravel(),
        args=(scales,),
        jac=True,
        method="L-BFGS-B",
        options=options,
    )
    weights = scales * found.x.reshape(weights.shape)
    weights, steepest = _newton(objective, weights, tol, max_iter)
    if steepest > tol:
        warnings.warn(
            f"the probes did not converge: largest gradient {steepest:.1e}, tolerance {tol:g}: use "
            f"a larger l2",
            ConvergenceWarning,
            stacklevel=3,
        )
    return MultinomialFit(weights[:, :-1], weights[:, -1], objective.segments)


def _newton(
    objective: "_Objective", weights: FloatMatrix, tol: float, max_iter: int
) -> tuple[FloatMatrix, float]:
    """Return weights, and the largest entry of the gradient there, in scaled coordinates.

    It counts as 0 where nothing is left to gain.
    """
    losses, P = objective.losses(weights)
    for n_steps in range(max_iter + 1):
        gradient = objective.gradient(weights, P)
        scales, preconditioners = objective.inverse_curvature(P)
        steepest = float(np.abs(objective.apply(scales, gradient)).max())
        if steepest <= tol or n_steps == max_iter:
            break
        step = _conjugate_gradients(objective, -gradient, P, preconditioners, tol)
        slopes, sizes = objective.dots(gradient, step), np.ones(len(losses))
        if -slopes.min() <= NOTHING:
            return weights, 0.0
        for _ in range(MAX_HALVINGS):
            tried = weights + objective.spread(sizes) * step
            found, P = objective.losses(tried)
            worse = found > losses + 1e-4 * sizes * slopes + 1e-13 * np.abs(losses)
            if not worse.any():
                break
            sizes[worse] /= 2
        else:
            break
        weights, losses = tried, found
    return weights, steepest


def _conjugate_gradients(
    objective: "_Objective",
    residual: NDArray[Any],
    P: NDArray[Any],
    preconditioners: list[FloatMatrix],
    tol: float,
) -> FloatMatrix:
    """Solve ``H step = residual`` for each target, in float32, until little is left of it."""
    P, residual = P.astype(np.float32), residual.astype(np.float32)
    inverses = [each.astype(np.float32) for each in preconditioners]
    step = np.zeros_like(residual)
    direction = objective.apply(inverses, residual)
    left = objective.dots(residual, direction)
    enough = np.maximum(FORCING**2 * left, tol**2)
    for _ in range(MAX_PRODUCTS):
        product = objective.times_hessian(P, direction)
        curvature = objective.dots(direction, product)
        going = (left > enough) & (curvature > 0)
        if not going.any():
            break
        length = np.divide(left, curvature, out=np.zeros_like(left), where=going)
        step += objective.spread(length) * direction
        residual -= objective.spread(length) * product
        improved = objective.apply(inverses, residual)
        new = objective.dots(residual, improved)
        ratio = np.divide(new, left, out=np.zeros_like(left), where=going)
        direction *= objective.spread(ratio)  # in place: it stays float32
        direction += improved
        left = np.where(going, new, left)
    return step.astype(np.float64)


class _Objective:
    """Loss and derivatives, class-major: logits have shape (sum of n_classes, n_samples)."""

    def __init__(
        self,
        X: FloatMatrix,
        codes: Sequence[NDArray[np.intp]],
        n_classes: Sequence[int],
        l2: float | Sequence[float] | NDArray[np.float64],
    ) -> None:
        self.n_classes, ends = np.asarray(n_classes), np.cumsum(n_classes)
        self.starts = ends - self.n_classes
        self.n = len(X)
        self.XT = np.vstack([X.T, np.ones(self.n)])  # (n_features + 1, n)
        self.XT32 = self.XT.astype(np.float32)
        self.segments = [slice(a, b) for a, b in zip(self.starts, ends, strict=True)]
        self.true = (np.stack(codes) + self.starts[:, None], np.arange(self.n))
        # the minimum splits a binary logit into halves: ‖w₀‖² + ‖w₁‖² = ‖w₁ − w₀‖²/2
        weight = np.where(self.n_classes == 2, 2.0, 1.0)
        self.ridge = np.broadcast_to(l2, self.n_classes.shape) / self.n
        self.penalty = np.zeros((int(ends[-1]), len(self.XT)))
        self.penalty[:, :-1] = self.spread(self.ridge * weight)

    def scales(self, shares: NDArray[np.float64]) -> FloatMatrix:
        """Return units of the weights in which a strong penalty curves no more than the weakest.

        They are 1 where all penalties are equal. A class with this share of the rows has about the
        curvature ``share (1 − share) + ridge``.
        """
        curvature = (shares * (1 - shares))[:, None]
        scales = np.ones_like(self.penalty)
        scales[:, :-1] = np.sqrt(
            (curvature + self.ridge.min()) / (curvature + self.spread(self.ridge))
        )
        return scales

    def coarse(
        self, flat: NDArray[np.float64], scales: FloatMatrix
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the sum of the losses and its gradient, from float32."""
        weights = scales * flat.reshape(scales.shape)
        losses, P = self.losses(weights, np.float32)
        return float(losses.sum()), (scales * self.gradient(weights, P)).ravel()

    def losses(
        self, weights: FloatMatrix, dtype: DTypeLike = np.float64
    ) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Return the loss of each target, and the class probabilities."""
        P = weights.astype(dtype) @ self._inputs(dtype)
        losses = -P[self.true].sum(axis=1, dtype=np.float64)
        for f, rows in enumerate(self.segments):
            logits = P[rows]  # a view, worked in place
            peak = logits.max(axis=0)
            logits -= peak
            np.exp(logits, out=logits)
            norm = logits.sum(axis=0)
            logits /= norm
            losses[f] += peak.sum(dtype=np.float64) + np.log(norm).sum(dtype=np.float64)
        return losses / self.n + 0.5 * self.dots(self.penalty * weights, weights), P

    def gradient(self, weights: FloatMatrix, P: NDArray[Any]) -> FloatMatrix:
        """Return the gradient at the weights that give these probabilities."""
        P[self.true] -= 1
        gradient = (P @ self._inputs(P.dtype).T).astype(np.float64) / self.n
        P[self.true] += 1
        return gradient + self.penalty * weights

    def times_hessian(self, P: NDArray[Any], V: NDArray[Any]) -> NDArray[Any]:
        """Return ``mean_i[(diag pᵢ − pᵢpᵢᵀ) V xᵢ xᵢᵀ] + penalty V``."""
        U = V @ self.XT32
        for rows in self.segments:
            p, u = P[rows], U[rows]
            u -= np.einsum("kn,kn->n", p, u)
            u *= p
        product = U @ self.XT32.T
        product /= np.float32(self.n)
        product += self.penalty * V
        return product

    def inverse_curvature(self, P: FloatMatrix) -> tuple[list[FloatMatrix], list[FloatMatrix]]:
        """Return ``C^(−1/2)`` and about ``C^(−1)`` of each target.

        ``C = mean_i[diag pᵢ − pᵢpᵢᵀ] + ridge`` is its Hessian if inputs are white and independent
        of the probabilities.
        """
        scales, inverses = [], []
        for rows, ridge in zip(self.segments, self.ridge, strict=True):
            p = P[rows]
            values, vectors = np.linalg.eigh(np.diag(p.mean(axis=1)) - p @ p.T / self.n)
            values = np.maximum(values, 0) + ridge
            scales.append(vectors / np.sqrt(values) @ vectors.T)
            inverses.append(vectors / np.maximum(values, FLOOR * values[-1]) @ vectors.T)
        return scales, inverses

    def apply(self, matrices: list[NDArray[Any]], weights: NDArray[Any]) -> NDArray[Any]:
        """Multiply each target's weights with its own (symmetric) matrix."""
        parts = [m @ weights[rows] for m, rows in zip(matrices, self.segments, strict=True)]
        return np.concatenate(parts)

    def dots(self, A: NDArray[Any], B: NDArray[Any]) -> NDArray[np.float64]:
        """Return each target's inner product of two sets of weights."""
        of_rows = np.einsum("kd,kd->k", A, B).astype(np.float64)
        return np.asarray(np.add.reduceat(of_rows, self.starts))

    def spread(self, of_targets: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one number per target as a column, once for each of its classes."""
        return np.repeat(of_targets, self.n_classes)[:, None]

    def _inputs(self, dtype: DTypeLike) -> NDArray[Any]:
        return self.XT32 if dtype == np.float32 else self.XT
