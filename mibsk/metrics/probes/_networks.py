"""Many small networks on the same inputs, trained side by side, each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._checks.matrices import FloatMatrix

N_HIDDEN = 64  # units of each network
BATCH_SIZE = 256
LEARNING_RATE = 3e-3
N_STEPS = 25  # in a round, after which the held-out part is looked at
MAX_ROUNDS = 240
PATIENCE = 24  # rounds without a new best
DECAYS = 0.9, 0.999  # of Adam's averages

Array = NDArray[np.floating]
Loss = Callable[[Array, NDArray[Any]], tuple[NDArray[np.float64], Array]]
"""(outputs (F, n, K), answers (F, n)) -> mean loss (F,) and its gradient times n, in place."""


class Networks(NamedTuple):
    r"""One hidden layer for each of F factors: :math:`V^\top \mathrm{relu}(W^\top x + b) + c`."""

    W: Array  # (F, n_features, N_HIDDEN)
    b: Array  # (F, 1, N_HIDDEN)
    V: Array  # (F, N_HIDDEN, K)
    c: Array  # (F, 1, K)

    def hidden(self, X: Array) -> Array:
        """Return the activations (F, n, N_HIDDEN)."""
        activations = X @ self.W
        activations += self.b
        hidden: Array = np.maximum(activations, 0, out=activations)
        return hidden

    def outputs(self, X: Array) -> Array:
        """Return what is added to the linear outputs, (F, n, K)."""
        added: Array = self.hidden(X) @ self.V + self.c
        return added


def softmax_loss(outputs: Array, codes: NDArray[Any]) -> tuple[NDArray[np.float64], Array]:
    """Cross-entropy of logits with classes."""
    factors, rows = np.ogrid[: codes.shape[0], : codes.shape[1]]
    outputs -= outputs.max(axis=2, keepdims=True)
    true = outputs[factors, rows, codes]
    P = np.exp(outputs, out=outputs)
    norm = P.sum(axis=2)
    P /= norm[..., None]
    P[factors, rows, codes] -= 1
    return (np.log(norm) - true).mean(axis=1, dtype=np.float64), P


def squared_loss(outputs: Array, answers: NDArray[Any]) -> tuple[NDArray[np.float64], Array]:
    """Half the squared error of predictions (F, n, 1)."""
    outputs -= answers[..., None]
    return 0.5 * (outputs**2).mean(axis=(1, 2), dtype=np.float64), outputs


def fit_networks(
    X: FloatMatrix,
    answers: NDArray[Any],
    start: Callable[[NDArray[np.intp]], FloatMatrix],
    loss: Loss,
    *,
    held_out: NDArray[np.intp],
    l2: float,
    seed: int,
) -> tuple[Networks, NDArray[np.intp]]:
    r"""Train what a hidden layer adds to linear outputs, by Adam with early stopping.

    Adam moves every weight by its own gradient alone, all factors see the same batches and start
    from the same hidden layer, so none depends on which others are trained beside it. The output
    layer starts at 0, that is, at the linear outputs. How many rounds to train is found for each
    factor on rows that are held out, and then all rows are trained on for as many: 0 leaves the
    linear outputs as they are.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Inputs, best white.
    answers : ndarray of shape (n_factors, n_samples)
        What `loss` compares the outputs with.
    start : callable
        Rows to fit -> linear outputs of all rows, (n_factors, n_samples, n_outputs).
    loss : callable
        :func:`softmax_loss` or :func:`squared_loss`.
    held_out : ndarray of int
        Rows on which the number of rounds is found.
    l2 : float
        Penalty of the weights, :math:`\lambda / (2n) \|W\|^2`.
    seed : int
        Decides the first weights and the batches.

    Returns
    -------
    networks : Networks
    n_rounds : ndarray of shape (n_factors,)
        How many each was trained for.

    References
    ----------
    Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
    """
    rows = np.arange(len(X))
    rest = np.setdiff1d(rows, held_out)
    n_rounds = _best_rounds(X, answers, start(rest), loss, rest, held_out, l2=l2, seed=seed)
    training = _Training(X, answers, start(rows), loss, rows, l2=l2, seed=seed)
    best = [np.zeros_like(part) for part in training.weights]
    for count in range(n_rounds.max() + 1):
        for kept, part in zip(best, training.weights, strict=True):
            kept[training.active[n_rounds[training.active] == count]] = part[
                n_rounds[training.active] == count
            ]
        training.keep(n_rounds[training.active] > count)
        if len(training.active):
            training.round()
    return Networks(*best), n_rounds


def _best_rounds(
    X: FloatMatrix,
    answers: NDArray[Any],
    start: FloatMatrix,
    loss: Loss,
    rest: NDArray[np.intp],
    held_out: NDArray[np.intp],
    *,
    l2: float,
    seed: int,
) -> NDArray[np.intp]:
    """Return after how many rounds each factor's loss on the held-out rows is least."""
    training = _Training(X, answers, start, loss, rest, l2=l2, seed=seed)
    best = training.loss_on(held_out)
    best_round = np.zeros(len(answers), dtype=np.intp)
    for count in range(1, MAX_ROUNDS + 1):
        training.round()
        now, active = training.loss_on(held_out), training.active
        better = now < best[active]
        best[active[better]] = now[better]
        best_round[active[better]] = count
        training.keep(count - best_round[active] < PATIENCE)
        if not len(training.active):
            break
    return best_round


class _Training:
    """Networks of those factors that are still trained, and Adam's averages."""

    def __init__(
        self,
        X: FloatMatrix,
        answers: NDArray[Any],
        start: FloatMatrix,
        loss: Loss,
        rows: NDArray[np.intp],
        *,
        l2: float,
        seed: int,
    ) -> None:
        self.X, self.start = X.astype(np.float32), start.astype(np.float32)
        self.answers, self.loss, self.rows, self.penalty = answers, loss, rows, l2 / len(rows)
        self.rng = np.random.default_rng(seed)
        (n_factors, _, n_outputs), n_features = start.shape, X.shape[1]
        hidden = self.rng.standard_normal((n_features, N_HIDDEN)) / np.sqrt(max(n_features, 1))
        shifts = self.rng.standard_normal((1, N_HIDDEN))
        self.weights = [
            np.repeat(part[None].astype(np.float32), n_factors, axis=0)
            for part in (
                hidden,
                shifts,
                np.zeros((N_HIDDEN, n_outputs)),
                np.zeros((1, n_outputs)),
            )
        ]
        self.means = [np.zeros_like(part) for part in self.weights]
        self.squares = [np.zeros_like(part) for part in self.weights]
        self.active = np.arange(n_factors)
        self.n_steps = 0

    def keep(self, mask: Sequence[bool] | NDArray[np.bool_]) -> None:
        """Train no more but these."""
        if np.all(mask):
            return
        self.active = self.active[mask]
        self.weights, self.means, self.squares = (
            [part[mask] for part in parts] for parts in (self.weights, self.means, self.squares)
        )

    def loss_on(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the mean loss of each active factor."""
        outputs = Networks(*self.weights).outputs(self.X[rows])
        outputs += self.start[np.ix_(self.active, rows)]
        return self.loss(outputs, self.answers[np.ix_(self.active, rows)])[0]

    def round(self) -> None:
        """Take ``N_STEPS`` steps."""
        size = min(BATCH_SIZE, len(self.rows))
        for _ in range(N_STEPS):
            self._step(self.rng.choice(self.rows, size, replace=False, shuffle=False))

    def _step(self, rows: NDArray[np.intp]) -> None:
        X, (W, _, V, _) = self.X[rows], self.weights
        hidden = Networks(*self.weights).hidden(X)
        outputs = hidden @ V + self.weights[3]
        outputs += self.start[np.ix_(self.active, rows)]
        _, residual = self.loss(outputs, self.answers[np.ix_(self.active, rows)])
        residual /= np.float32(len(rows))
        behind = residual @ V.transpose(0, 2, 1)
        behind *= hidden > 0
        gradients = (
            X.T @ behind + np.float32(self.penalty) * W,
            behind.sum(axis=1, keepdims=True),
            hidden.transpose(0, 2, 1) @ residual + np.float32(self.penalty) * V,
            residual.sum(axis=1, keepdims=True),
        )
        self.n_steps += 1
        first, second = DECAYS
        rate = LEARNING_RATE * np.sqrt(1 - second**self.n_steps) / (1 - first**self.n_steps)
        for part, mean, square, gradient in zip(
            self.weights, self.means, self.squares, gradients, strict=True
        ):
            mean += (1 - first) * (gradient - mean)
            square += (1 - second) * (gradient**2 - square)
            part -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(1e-8))
