"""Observation of a training from outside, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from skorch.callbacks import Callback

from ._net import AlignmentNet
from ._result import Trained


class TrainingObserver(Protocol):
    """An object that is told of the begin and the end of a training and of its epochs.

    The argument `stopped` returns what the training would result in if it stopped at this point.
    It copies the net and computes the last stages, and is to be called at once or not at all.
    """

    def begin_training(self, n_epochs: int) -> None:
        """Take note of a training of so many epochs, if none of its callbacks stops it."""

    def begin_epoch(self, stopped: Callable[[], Trained]) -> None:
        """Take note of the begin of an epoch."""

    def end_epoch(self, stopped: Callable[[], Trained] | None) -> bool:
        """Take note of the end of an epoch, and return whether to stop.

        `stopped` is None if the epoch was interrupted.
        """

    def end_training(self, trained: Trained) -> None:
        """Take note of the result."""


class ObservedEpochs(Callback):
    """Tell an observer of the epochs.

    Parameters
    ----------
    observer : TrainingObserver
        The observer.
    stopped : callable
        Returns the result of a training that stops at this point.
    """

    def __init__(self, observer: TrainingObserver, stopped: Callable[[], Trained]) -> None:
        self.observer, self.stopped = observer, stopped
        self._is_open = False

    def on_epoch_begin(self, net: AlignmentNet, **kwargs: Any) -> None:
        """Tell of the begin of an epoch."""
        self._is_open = True
        self.observer.begin_epoch(self.stopped)

    def on_epoch_end(self, net: AlignmentNet, **kwargs: Any) -> None:
        """Tell of the end of an epoch, and stop the training if the observer says so."""
        self._is_open = False
        if self.observer.end_epoch(self.stopped):
            raise KeyboardInterrupt  # with which skorch ends a training

    def on_train_end(self, net: AlignmentNet, **kwargs: Any) -> None:
        """Tell of the end of an epoch after which another callback, or Ctrl-C, stopped."""
        if self._is_open:
            self._is_open = False
            self.observer.end_epoch(self.stopped if net.ends_with_whole_epoch else None)
