"""The penalty of the weights of each factor's linear probe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from ..._checks.devices import FloatMatrix
from ..._checks.groups import Groups, hold_out
from ..._checks.parameters import check_positive
from ._damped_whitening import damped_whitening
from ._factors import Classes, Factor, Numbers
from ._multinomial import MultinomialFit, fit_multinomials
from ._ridge import RidgeRegressions

PENALTIES = (1e4, 1e3, 1e2, 10.0, 1.0, 0.1)  # descending: each solve is the start of the next
USUAL = 1.0  # scikit-learn's
HELD_OUT = 0.2  # of the training rows, to choose by
MIN_SCORED = 5  # held-out rows needed to choose a penalty

Penalty = float | Literal["auto"]


def check_penalty(l2: Any) -> None:
    """Raise unless it is "auto" or a positive number."""
    if not isinstance(l2, str):
        check_positive("l2", l2)
    elif l2 != "auto":
        raise TypeError(f"l2 must be a number or 'auto', got the string {l2!r}.")


def choose_penalties(
    X: FloatMatrix, factors: Sequence[Factor], seed: int, groups: Groups = None
) -> NDArray[np.float64]:
    r"""Return the penalty of each factor, from its training rows alone.

    A fifth of them is held out, the same for all factors; chosen is

    .. math:: \hat\lambda = \arg\min_\lambda \sum_{i \text{ held out}} -\log q_\lambda(n_i \mid x_i)
              \quad\text{or}\quad
              \arg\min_\lambda \sum_{i \text{ held out}} (y_i - \hat y_{\lambda, i})^2

    with what is fitted on the other rows, whitened by them alone: with as many directions as rows,
    rows that are whitened together are all equally far apart, so held-out rows must not be among
    them. Held-out rows of a class that the others lack are ignored. If fewer than ``MIN_SCORED``
    remain, or the others are of one class, the penalty is ``USUAL``. The penalty of a factor does
    not depend on the other factors.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Inputs.
    factors : sequence of Classes and Numbers
        What is predicted; held-out rows are ignored.
    seed : int
        Seed of the choice of held-out rows.
    groups : ndarray of int (n_samples,), default=None
        Groups that are held out as a whole, about a fifth of the rows.
    """
    chosen = np.full(len(factors), USUAL)
    rng = np.random.default_rng(seed)
    held_out, rest = hold_out(len(X), int(HELD_OUT * len(X)), rng, groups)
    if len(held_out) < MIN_SCORED or not X.shape[1]:
        return chosen
    mean, components = damped_whitening(X[rest])
    fitted, scored = (X[rest] - mean) @ components, (X[held_out] - mean) @ components
    parts: dict[int, _Part] = {}
    for i, factor in enumerate(factors):
        if isinstance(factor, Classes):
            part = _Part(factor.train[rest], factor.train[held_out])
            if part.n_classes > 1 and len(part.rows) >= MIN_SCORED:
                parts[i] = part
    if parts:
        losses = _cross_entropies(fitted, scored, list(parts.values()))
        chosen[list(parts)] = np.take(PENALTIES, losses.argmin(axis=0))
    if numbers := [i for i, factor in enumerate(factors) if isinstance(factor, Numbers)]:
        Y: FloatMatrix = np.stack([factors[i].train for i in numbers], axis=1)  # (n, n_numbers)
        ridge = RidgeRegressions(fitted, Y[rest])
        errors = [Y[held_out] - ridge.predict(scored, l2) for l2 in PENALTIES]
        chosen[numbers] = np.take(PENALTIES, (np.stack(errors) ** 2).mean(axis=1).argmin(axis=0))
    return chosen


class _Part:
    """One factor's classes among the rows to fit, numbered from 0, and the held-out rows of them.

    Attributes
    ----------
    fitted : ndarray of int (n_rest,)
        Classes of the rows to fit.
    rows, true : ndarray of int (n_scored,)
        Held-out rows of these classes, and their classes.
    """

    def __init__(self, rest: NDArray[np.intp], held_out: NDArray[np.intp]) -> None:
        present, self.fitted = np.unique(rest, return_inverse=True)
        self.n_classes = len(present)
        self.rows = np.flatnonzero(np.isin(held_out, present))
        self.true = np.searchsorted(present, held_out[self.rows])


def _cross_entropies(
    fitted: FloatMatrix, scored: FloatMatrix, parts: Sequence[_Part]
) -> NDArray[np.float64]:
    """Return the held-out loss of each factor under each penalty, (n_penalties, n_factors)."""
    losses = np.empty((len(PENALTIES), len(parts)))
    codes, sizes = [part.fitted for part in parts], [part.n_classes for part in parts]
    fit: MultinomialFit | None = None
    for row, l2 in zip(losses, PENALTIES, strict=True):
        fit = fit_multinomials(fitted, codes, sizes, l2=l2, start=fit)
        for f, (part, columns) in enumerate(zip(parts, fit.segments, strict=True)):
            logits = scored[part.rows] @ fit.coef[columns].T + fit.intercept[columns]
            true = logits[np.arange(len(logits)), part.true]
            row[f] = (logsumexp(logits, axis=1) - true).mean()
    return losses
