"""Callback that changes the learning rate over the epochs."""

from __future__ import annotations

import math
from typing import Any

from skorch.callbacks import Callback, LRScheduler

from ._net import AlignmentNet
from ._params import AlignerParams

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
    """

    def __init__(self, net: AlignmentNet, first: int, n_epochs: int) -> None:
        self.rates = [group["lr"] for group in net.optimizer_.param_groups]
        self.first, self.n_epochs = first, n_epochs

    def on_epoch_begin(self, net: AlignmentNet, **kwargs: Any) -> None:
        """Set the learning rates of this epoch."""
        progress = (len(net.history) - 1 - self.first + 0.5) / self.n_epochs
        factor = min(progress / WARM_UP, 0.5 * (1 + math.cos(math.pi * progress)))
        for group, rate in zip(net.optimizer_.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
