"""Callback that sets scheduled weights of the objective."""

from __future__ import annotations

from typing import Any

from skorch.callbacks import Callback

from ..schedules import Schedule
from ._net import AlignmentNet


class Scheduled(Callback):
    """Set `beta` and temperature at the beginning of each epoch."""

    def __init__(
        self, beta: Schedule | None, temperature: Schedule | None, *, first: int, n_epochs: int
    ) -> None:
        self.beta, self.temperature = beta, temperature
        self.first, self.n_epochs = first, n_epochs

    def on_epoch_begin(self, net: AlignmentNet, **kwargs: Any) -> None:
        """Set the values of this epoch."""
        epoch = len(net.history) - 1 - self.first
        progress = min(epoch / max(self.n_epochs - 1, 1), 1.0)
        objective = net.module.objective
        if self.beta is not None:
            objective.beta = float(self.beta(progress))
        if self.temperature is not None:
            objective.temperature.fill_(self.temperature(progress))
