"""The skorch net that trains the encoders of an aligner."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, EpochTimer

from ..data import (
    Batch,
    Batches,
    Source,
    StreamBatches,
    StreamSource,
    digest,
    make_batches,
)
from ..encoders import frozen_names
from ..exceptions import DivergenceError
from ._devices import resolve_device
from ._epoch_means import EpochMeans
from ._progress import TrainingProgress
from ._seeding import seed_torch
from ._step import training_step, validation_step


class AlignmentNet(NeuralNet):
    """Train an :class:`AlignmentModule` on batches of a :class:`Source`.

    It differs from a plain net in four ways: batches are slices of whole tensors on the device;
    the criterion is the objective inside the module; losses are summed on the device and read
    once per epoch, so that no step synchronizes with the host; and the random numbers of an epoch
    are determined by `seed` and the number of the epoch, so that training can be resumed after any
    epoch with the same result. Train it inside :func:`seeded`. Each epoch of `history` contains
    ``{train,valid}_loss`` and ``{train,valid}_<part>`` for each part of the objective,
    ``{train,valid}_{modality_gap,alignment,uniformity}`` (see :class:`EpochMeans`), and the weights
    of the objective.

    Parameters
    ----------
    module : AlignmentModule
        Module, trained in place.
    seed : int
        Seed of the order of the batches, and of the random numbers of the module.
    validation : Source or None, default=None
        Pairs on which the loss is computed after each epoch.
    chunk_size : int or None, default=None
        Largest number of rows that an encoder processes at a time; None for those of a batch.
    **kwargs
        As for `skorch.NeuralNet`.

    Attributes
    ----------
    n_epochs_ : int
        Number of epochs that the history has after the training, if it does not stop early.
    """

    module: Any
    history: Any
    callbacks: Any
    callbacks_: list[Any]
    settings: Mapping[str, Any]
    """Parameters of the aligner that are plain values, for callbacks."""

    def __init__(
        self,
        module: Any,
        *,
        seed: int,
        validation: Source | None = None,
        chunk_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, criterion=None, train_split=None, **kwargs)
        self.n_epochs_ = self.max_epochs
        self.seed = seed
        self.validation = validation
        self.chunk_size = chunk_size
        self._trained_modules: list[torch.nn.Module] = []  # those in training mode, in an epoch
        self.processes: Any = None  # those of torch.distributed, if several train this net

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        shown = [("progress", TrainingProgress())] if self.verbose else []
        return [("epoch_timer", EpochTimer()), *shown]

    def initialize_module(self) -> AlignmentNet:
        """Use the given module, which was built with its own seed."""
        self.module_ = self.module
        return self

    def initialize_criterion(self) -> AlignmentNet:
        """Use the objective inside the module, so that its temperature is part of every copy."""
        self.criterion_ = self.module_.objective
        return self

    def get_all_learnable_params(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """Yield the parameters for the optimizer, those that are not frozen."""
        for name, parameter in super().get_all_learnable_params():
            if parameter.requires_grad:
                yield name, parameter

    def continue_from(self, earlier: AlignmentNet, *, keep_temperature: bool) -> None:
        """Copy the weights, optimizer state and history of an earlier net.

        The optimizer state is not copied if its class or the device differs.

        Raises
        ------
        RuntimeError
            If the weights do not match the module.
        """
        weights = dict(earlier.module.state_dict())
        if not keep_temperature:
            name = "objective.temperature.log_value"
            weights[name] = self.module.state_dict()[name]
        self.module.load_state_dict(weights)
        self.history = copy.deepcopy(earlier.history)
        for group in self.optimizer_.param_groups:  # needed to continue learning rate schedules
            group["initial_lr"] = group["lr"]
        kind, before = type(self.optimizer_), type(earlier.optimizer_)
        is_same = issubclass(kind, before) or issubclass(before, kind)
        if is_same and self.device == earlier.device:
            moments = earlier.optimizer_.state
            trained = dict(earlier.module.named_parameters())
            for name, parameter in self.module.named_parameters():
                if name in trained and trained[name] in moments:
                    self.optimizer_.state[parameter] = copy.deepcopy(moments[trained[name]])

    def has_finite_weights(self) -> bool:
        """Whether all weights, the temperature and its inverse are finite."""
        temperature = self.module.objective.temperature()
        tensors = [*self.module.parameters(), temperature, 1 / temperature]
        return bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all())

    def check_weights(self) -> None:
        """Raise `DivergenceError` if weights are not finite after the last step."""
        if not self.has_finite_weights():
            raise DivergenceError(
                f"weights are not finite after epoch {len(self.history)}. {self._advice}"
            )

    @property
    def _advice(self) -> str:
        return f"Lower lr (now {self.lr:g}), fix the temperature, or check the scale of the inputs."

    def get_split_datasets(
        self, X: Source | StreamSource, y: Any = None, **fit_params: Any
    ) -> tuple[Source | StreamSource, Source | None]:
        """Return the training source and the validation source."""
        return X, self.validation

    def get_iterator(
        self, dataset: Source | StreamSource, training: bool = False
    ) -> Batches | StreamBatches:
        """Return batches, reshuffled every epoch in training."""
        seed = self.seed if training else None
        if training and self.processes is not None:
            device = torch.device(self.device)
            dataset = self.processes.share(dataset, self.seed, len(self.history), device)
        return make_batches(dataset, self.batch_size, seed, first_epoch=len(self.history))

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Seed the random numbers of this epoch."""
        super().on_epoch_begin(net, **kwargs)
        self._trained_modules = []
        drawn = np.random.SeedSequence((self.seed, len(self.history))).generate_state(1, np.uint64)
        seed_torch(int(drawn[0]), torch.device(self.device))

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Compute the gradients of one batch."""
        modules = self._trained_modules
        if not modules or not all(each.training for each in modules):  # as a callback may change
            self._set_training(True)
            self._trained_modules = [each for each in self.module_.modules() if each.training]
        return training_step(self.module_, batch, self.chunk_size)

    def validation_step(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Compute the loss of one batch."""
        self._set_training(False)
        return validation_step(self.module_, batch, self.chunk_size)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run all batches and record their means, with one transfer from the device."""
        if iterator is None:
            return
        means: EpochMeans | None = None
        n_batches = 0
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            if means is None:
                means = EpochMeans(self.module.objective.parts)
            means.add(step["parts"], step["embeddings"], step["present"])
            n_batches += 1
            self.notify("on_batch_end", batch=batch, training=training, **step)
        assert means is not None  # no source of batches is empty
        read = means.read()
        for name, value in read.items():
            self.history.record(f"{prefix}_{name}", value)
        self.history.record(f"{prefix}_batch_count", n_batches)
        if training and not np.isfinite(read["loss"]):
            raise DivergenceError(
                f"the training loss became {read['loss']} in epoch {len(self.history)}. "
                f"{self._advice}"
            )

    def on_batch_end(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        """Let the objective adjust its parameters."""
        if training:
            self.module.objective.after_step()

    def partial_fit(
        self, X: Source | StreamSource, y: Any = None, **fit_params: Any
    ) -> AlignmentNet:
        """Train, and leave the module in evaluation mode.

        The record of an interrupted epoch is dropped, as the epoch is repeated on resuming.
        """
        try:
            super().partial_fit(X, y, **fit_params)
        except BaseException as error:
            for _, callback in self.callbacks_:
                if hasattr(callback, "on_train_error"):  # skorch has no such event
                    callback.on_train_error(self, error)
            raise
        self._set_training(False)
        self._drop_interrupted_epoch()
        return self

    @property
    def ends_with_whole_epoch(self) -> bool:
        """Whether the last epoch of the history was not interrupted."""
        return not self.history or self._weights().keys() <= self.history[-1].keys()

    @property
    def has_stopped_early(self) -> bool:
        """Whether a callback ended the training, since its patience was exhausted."""
        return any(
            isinstance(callback, EarlyStopping) and callback.misses_ >= callback.patience
            for _, callback in self.callbacks_
        )

    def _drop_interrupted_epoch(self) -> None:
        if not self.ends_with_whole_epoch:
            del self.history[-1]

    def snapshot(self) -> AlignmentNet:
        """Return a copy as if the training stopped now: with the best epoch, if that is kept.

        It has no callbacks, and its module is in evaluation mode and not compiled.
        """
        twin = object.__new__(type(self))
        # not copy.copy, which pickles the module: user-defined layers need not be picklable
        twin.__dict__.update(vars(self))
        module, optimizer = copy.deepcopy((self.module, self.optimizer_))
        parts = {"module": module, "module_": module, "criterion_": module.objective}
        twin.__dict__.update(parts, optimizer_=optimizer, history_=copy.deepcopy(self.history))
        twin._drop_interrupted_epoch()
        for _, callback in self.callbacks_:
            if isinstance(callback, EarlyStopping) and callback.best_model_weights_ is not None:
                best = callback.best_model_weights_.items()
                module.load_state_dict({k.removeprefix("_orig_mod."): v for k, v in best})
        module.eval()
        twin.callbacks_ = []
        return twin

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Record the weights of the objective."""
        for name, value in self._weights().items():
            self.history.record(name, value)

    def _weights(self) -> dict[str, float]:
        weights: dict[str, float] = self.module.objective.weights()
        return weights

    def finish(self) -> None:
        """Drop the state of training, so that a fitted estimator holds no data."""
        objective = self.module.objective
        objective.set_weights(objective.weights())  # a tensor becomes a number
        self.validation, self.processes, self.callbacks, self.callbacks_ = None, None, None, []
        self._trained_modules = []

    def training_state(self, *, with_frozen: bool) -> dict[str, Any]:
        """Return weights, optimizer state and history, as values for a state file.

        Parameters
        ----------
        with_frozen : bool
            Whether to include frozen weights, rather than their digest.
        """
        weights = self.module.state_dict()
        frozen = set() if with_frozen else frozen_names(self.module)
        state = {
            "module": {name: value for name, value in weights.items() if name not in frozen},
            "optimizer": self.optimizer_.state_dict(),
            "history": self.history.to_list(),
        }
        return {**state, "frozen": _digest(weights, frozen)} if frozen else state

    def load_weights(self, state: Mapping[str, Any]) -> None:
        """Load the weights of :meth:`training_state`, keeping frozen weights that it lacks.

        Raises
        ------
        RuntimeError
            If they do not match the module, or its frozen weights differ.
        """
        own, weights = self.module.state_dict(), dict(state["module"])
        frozen = frozen_names(self.module) if "frozen" in state else set()
        if frozen and _digest(own, frozen) != state["frozen"]:
            raise RuntimeError("the frozen weights differ from those of training.")
        self.module.load_state_dict({**{name: own[name] for name in frozen}, **weights})

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        # the same object as module_, which skorch pickles so that it loads without a GPU
        del state["module"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        try:
            device = str(resolve_device(state["device"]))
        except ValueError:  # the device of the pickle is not available
            device = str(resolve_device("auto"))
        super().__setstate__({**state, "device": device})
        self.module = getattr(self.module_, "_orig_mod", self.module_)  # under torch.compile


def _digest(weights: Mapping[str, torch.Tensor], names: set[str]) -> str:
    """Return a digest of the named weights."""
    return digest({name: weights[name].cpu().numpy() for name in names})
