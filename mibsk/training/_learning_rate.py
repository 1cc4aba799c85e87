"""Callback that changes the learning rate over the epochs, or over their steps."""

from __future__ import annotations

import math
from typing import Any

from skorch.callbacks import Callback, LRScheduler

from ..data import Batches, StreamSource
from ._net import AlignmentNet
from ._params import AlignerParams

LR_SCHEDULES = ("cosine", "cosine-by-step")
WARM_UP = 0.1  # share of the epochs


def changes_rate(aligner: AlignerParams) -> bool:
    """Return whether `lr_schedule` applies; a scheduler among the callbacks takes its place."""
    callbacks = [each[1] if isinstance(each, tuple) else each for each in aligner.callbacks or []]
    return aligner.lr_schedule is not None and not any(
        isinstance(each, LRScheduler) for each in callbacks
    )


class CosineRate(Callback):
    """Raise the learning rate over the first tenth of the epochs, then lower it along a cosine.

    Parameters
    ----------
    net : AlignmentNet
        An initialized net, whose learning rates are the largest ones.
    first : int
        Number of epochs in its history before this training.
    n_epochs : int
        Number of epochs of this training.
    by_step : bool
        Change it from step to step, instead of from epoch to epoch; not of a stream, whose number
        of steps is unknown.
    """

    def __init__(self, net: AlignmentNet, first: int, n_epochs: int, *, by_step: bool) -> None:
        self.rates = [group["lr"] for group in net.optimizer_.param_groups]
        self.first, self.n_epochs, self.by_step = first, n_epochs, by_step
        self.step, self.n_steps = 0, 1

    def on_epoch_begin(self, net: AlignmentNet, dataset_train: Any = None, **kwargs: Any) -> None:
        """Set the learning rates of this epoch, or of its first step."""
        self.step = 0
        if self.by_step and not isinstance(dataset_train, StreamSource):
            self.n_steps = len(Batches(dataset_train, net.batch_size, seed=None))
        self._set_rates(net)

    def on_batch_end(self, net: AlignmentNet, training: bool = False, **kwargs: Any) -> None:
        """Set the learning rates of the next step."""
        if training and self.by_step:
            self.step += 1
            self._set_rates(net)

    def _set_rates(self, net: AlignmentNet) -> None:
        within = min((self.step + 0.5) / self.n_steps, 1.0)
        progress = (len(net.history) - 1 - self.first + within) / self.n_epochs
        factor = min(progress / WARM_UP, 0.5 * (1 + math.cos(math.pi * progress)))
        for group, rate in zip(net.optimizer_.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
