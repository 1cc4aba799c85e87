"""Callback that changes the learning rate over the epochs."""

from __future__ import annotations

import math
from typing import Any

from skorch.callbacks import Callback

from ._net import AlignmentNet

WARM_UP = 0.1  # share of the epochs


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
