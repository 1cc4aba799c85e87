"""Outputs of probes, linear or with a hidden layer, fitted for all factors together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._checks.devices import FloatMatrix
from ..._checks.groups import Groups, hold_out
from ._factors import Classes, Factor, Numbers
from ._mlp import fit_networks, softmax_loss, squared_loss
from ._multinomial import fit_multinomials
from ._penalty import HELD_OUT
from ._ridge import RidgeRegressions

PROBES = ("linear", "mlp")


def linear_outputs(
    X: FloatMatrix, X_test: FloatMatrix, factors: Sequence[Factor], penalties: NDArray[np.float64]
) -> list[FloatMatrix]:
    """Fit linear probes on `X`; return the outputs of each for `X_test`, (n_test, n_outputs)."""
    return _linear(X, X_test, factors, [factor.train for factor in factors], penalties)


def mlp_outputs(
    X: FloatMatrix,
    X_test: FloatMatrix,
    factors: Sequence[Factor],
    penalties: NDArray[np.float64],
    *,
    l2: float,
    seed: int,
    groups: Groups = None,
) -> list[FloatMatrix]:
    """Fit probes with a hidden layer, penalised by `l2`, added to the linear probe."""
    outputs = linear_outputs(X, X_test, factors, penalties)
    held_out = _inner_split(len(X), factors, np.random.default_rng(seed), groups)
    for kind, loss in ((Classes, softmax_loss), (Numbers, squared_loss)):
        chosen = [i for i, factor in enumerate(factors) if isinstance(factor, kind)]
        if not chosen or not len(held_out) or not X.shape[1]:
            continue
        some = [factors[i] for i in chosen]
        answers = np.stack([factor.train for factor in some])

        def start(
            rows: NDArray[np.intp],
            some: Sequence[Factor] = some,
            answers: NDArray[Any] = answers,
            penalties: NDArray[np.float64] = penalties[chosen],
        ) -> FloatMatrix:
            return _padded(_linear(X[rows], X, some, list(answers[:, rows]), penalties))

        networks, n_rounds = fit_networks(
            X, answers, start, loss, held_out=held_out, l2=l2, seed=seed
        )
        for f, i in enumerate(chosen):
            if n_rounds[f]:
                alone = type(networks)(*(part[f : f + 1].astype(np.float64) for part in networks))
                outputs[i] = outputs[i] + alone.outputs(X_test)[0, :, : outputs[i].shape[1]]
    return outputs


def _linear(
    X: FloatMatrix,
    X_test: FloatMatrix,
    factors: Sequence[Factor],
    answers: Sequence[NDArray[Any]],
    penalties: NDArray[np.float64],
) -> list[FloatMatrix]:
    """Multinomial regressions for classes, ridge regressions for numbers."""
    outputs: list[FloatMatrix] = [np.empty((0, 0))] * len(factors)
    if classes := [i for i, factor in enumerate(factors) if isinstance(factor, Classes)]:
        sizes = [factors[i].n_outputs for i in classes]
        fit = fit_multinomials(X, [answers[i] for i in classes], sizes, l2=penalties[classes])
        logits = X_test @ fit.coef.T + fit.intercept
        for i, columns in zip(classes, fit.segments, strict=True):
            outputs[i] = logits[:, columns]
    if numbers := [i for i, factor in enumerate(factors) if isinstance(factor, Numbers)]:
        Y: FloatMatrix = np.stack([answers[i] for i in numbers], axis=1)  # (n, n_numbers)
        predicted = RidgeRegressions(X, Y).predict(X_test, penalties[numbers])
        for column, i in enumerate(numbers):
            outputs[i] = predicted[:, column : column + 1]
    return outputs


def _inner_split(
    n: int, factors: Sequence[Factor], rng: np.random.Generator, groups: Groups
) -> NDArray[np.intp]:
    """Return rows to hold out, without the first row of each class, so that none is missing.

    With groups, these are whole groups, without those of these first rows.
    """
    order = rng.permutation(n)
    needed = [
        order[np.unique(factor.train[order], return_index=True)[1]]
        for factor in factors
        if isinstance(factor, Classes)
    ]
    if groups is not None:
        keep = np.concatenate(needed) if needed else None
        return hold_out(n, int(HELD_OUT * n), rng, groups, keep=keep)[0]
    free = order[~np.isin(order, np.concatenate(needed))] if needed else order
    return np.sort(free[: min(int(HELD_OUT * n), len(free))])


def _padded(outputs: Sequence[FloatMatrix]) -> FloatMatrix:
    """Stack outputs of unequal width; logits of classes that a factor lacks are -inf."""
    width = max(part.shape[1] for part in outputs)
    stacked = np.full((len(outputs), len(outputs[0]), width), -np.inf)
    for whole, part in zip(stacked, outputs, strict=True):
        whole[:, : part.shape[1]] = part
    return stacked
