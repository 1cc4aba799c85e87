"""Checkpoints of the state of training after each epoch, from which it can be resumed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, LRScheduler
from skorch.history import History

from ..exceptions import TornFileError
from ..files.state_file import can_hold, read_state, write_state
from ._net import AlignmentNet
from ._observer import ObservedEpochs
from ._process_group import different_process, is_first_process, wait_for_all
from ._processes import SumGradients
from ._progress import TrainingProgress

_KEPT = 2  # if the newest checkpoint is damaged, the one before it is used
_SURELY_DEAD = 3600  # seconds since the last write, after which a temporary file is stale


class CheckpointFolder:
    """Folder of the checkpoints of one training, ``epoch-00001.safetensors`` and so on.

    Raises
    ------
    OSError
        If the folder cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        for aside in path.glob(".epoch-*.tmp"):  # left by processes killed while writing
            with suppress(FileNotFoundError):
                if time.time() - aside.stat().st_mtime > _SURELY_DEAD:
                    aside.unlink()

    def newest(self) -> tuple[Path, dict[str, Any]] | None:
        """Return path and content of the newest complete checkpoint.

        Warns
        -----
        UserWarning
            If a file is incomplete or damaged; the one before it is used.
        """
        for path in reversed(self._files()):
            try:
                return path, read_state(path)
            except FileNotFoundError:  # removed by another process that runs the same training
                continue
            except TornFileError as error:
                warnings.warn(f"{error} It is ignored.", UserWarning, stacklevel=2)
        return None

    def path_of(self, epoch: int) -> Path:
        """Return the path of the checkpoint after an epoch."""
        return self.path / f"epoch-{epoch:05d}.safetensors"

    def write(self, epoch: int, state: dict[str, Any]) -> None:
        """Write the state after an epoch, then remove old checkpoints."""
        path = self.path_of(epoch)
        write_state(path, state)
        files = self._files()
        for old in files[: max(files.index(path) + 1 - _KEPT, 0)]:
            old.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self.path.glob("epoch-*.safetensors"))


class Checkpoint(Callback):
    """Write a checkpoint after each epoch; at the start, continue from the newest one.

    It must be the last callback, because it also stores and restores the state of the others: their
    `state_dict` or, without one, their attributes that end in an underscore. Frozen weights are not
    stored.

    Attributes
    ----------
    last_ : Path or None
        Path of the newest checkpoint.
    """

    def __init__(self, folder: CheckpointFolder, describe: Callable[[], dict[str, Any]]) -> None:
        self.folder = folder
        self.describe = describe
        self.last_: Path | None = None
        self.state_: dict[str, Any] | None = None
        if (found := folder.newest()) is not None:
            self.last_, self.state_ = found
        if different_process(self.n_epochs) is not None:
            raise ValueError(
                f"the processes of this training do not all see the checkpoints in {folder.path}: "
                "choose a folder that their machines share."
            )

    @property
    def n_epochs(self) -> int:
        """Number of epochs in the history of the checkpoint to resume from."""
        return len(self.state_["training"]["history"]) if self.state_ else 0

    @property
    def has_stopped_early(self) -> bool:
        """Whether the checkpoint to resume from is that of a training that stopped early."""
        return bool(self.state_ and self.state_.get("stopped early"))

    @property
    def closed_form(self) -> dict[str, Any] | None:
        """Closed form of the inputs in the checkpoint to resume from, if any."""
        return self.state_["closed_form"] if self.state_ else None

    def on_train_begin(self, net: AlignmentNet, **kwargs: Any) -> None:
        """Restore the state of the checkpoint."""
        if self.state_ is None:
            return
        training, self.state_ = self.state_["training"], None
        net.load_weights(training)
        net.optimizer_.load_state_dict(training["optimizer"])
        net.history = History(training["history"])
        for name, callback in _others(net):
            _restore(callback, training["callbacks"][name])
        if net.verbose:
            print(f"Resuming after epoch {len(net.history)}, from {self.last_}.")

    def on_epoch_end(self, net: AlignmentNet, **kwargs: Any) -> None:
        """Write the state of training, if it is finite."""
        if net.has_finite_weights():  # else not a state to resume from; check_weights raises
            self._write(net, self.describe())

    def complete(self, net: AlignmentNet, description: dict[str, Any]) -> None:
        """Replace the last checkpoint, with the description of the model at the end of training."""
        if self.last_ is not None:
            stopped = {"stopped early": True} if net.has_stopped_early else {}
            self._write(net, {**description, **stopped})

    def _write(self, net: AlignmentNet, description: dict[str, Any]) -> None:
        training = net.training_state(with_frozen=False)
        training["callbacks"] = {name: _state(callback) for name, callback in _others(net)}
        state = {**description, "training": training}
        try:
            if is_first_process():
                self.folder.write(len(net.history), state)
            self.last_ = self.folder.path_of(len(net.history))
        except (OSError, TypeError) as error:  # a full disk must not stop training
            message = f"no checkpoint could be written: {error}. Training continues."
            warnings.warn(message, UserWarning, stacklevel=2)
        wait_for_all()


def _others(net: NeuralNet) -> list[tuple[str, Callback]]:
    """Return the callbacks with state of the training, by name."""
    own = (Checkpoint, EpochTimer, ObservedEpochs, SumGradients, TrainingProgress)
    return [(name, callback) for name, callback in net.callbacks_ if not isinstance(callback, own)]


def _state(callback: Any) -> dict[str, Any]:
    """Return the `state_dict` of a callback, or its attributes ending in `_`."""
    if hasattr(callback, "state_dict"):
        return callback.state_dict()
    state = {key: value for key, value in vars(callback).items() if key.endswith("_")}
    if isinstance(callback, LRScheduler):
        state["lr_scheduler_"] = state["lr_scheduler_"].state_dict()
        del state["policy_"]
    return {key: value for key, value in state.items() if can_hold(value)}


def _restore(callback: Any, state: dict[str, Any]) -> None:
    if hasattr(callback, "load_state_dict"):
        callback.load_state_dict(state)
        return
    if isinstance(callback, LRScheduler):
        callback.lr_scheduler_.load_state_dict(state.pop("lr_scheduler_"))
    vars(callback).update(state)
