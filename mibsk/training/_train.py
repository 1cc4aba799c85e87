"""Training: a net is built from the parameters of an aligner and run on its data."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from skorch.callbacks import EarlyStopping

from .._checks.parameters import suggest
from ..data import InputSpec
from ..encoders import InputScaling
from ..exceptions import DivergenceError
from ..losses import IBObjective, minimality_term
from ._checkpoint import Checkpoint, CheckpointFolder
from ._data import TrainingData, split_validation
from ._devices import autocast_dtype, seeded
from ._fingerprint import fingerprint
from ._model_state import model_state
from ._module import AlignmentModule, build_encoders
from ._net import AlignmentNet
from ._result import Trained
from ._weighting import (
    initial_beta,
    is_learned,
    make_temperature,
    sufficiency_budget,
    weighting_callbacks,
)


class AlignerParams(Protocol):
    """Parameters of an `IBAligner` that training reads."""

    encoders: Any
    n_components: int
    sufficiency: Any
    minimality: Any
    beta: Any
    temperature: Any
    max_epochs: int
    batch_size: int
    lr: float
    optimizer: Any
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    callbacks: Any
    checkpoint: Any
    precision: str
    compile: bool
    verbose: int
    random_state: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all parameters by name."""


def train(
    aligner: AlignerParams,
    data: TrainingData,
    *,
    columns: Mapping[str, Any],
    epochs: int,
    seed: int,
    device: torch.device,
    rng: np.random.Generator,
    earlier: Trained | None = None,
    whole: bool = True,
) -> Trained:
    """Train as the parameters of an aligner specify.

    Parameters
    ----------
    aligner : AlignerParams
        The parameters; it is not changed.
    data : TrainingData
        The pairs to train on.
    columns : mapping of str to object
        What the estimator records of the columns of a table.
    epochs : int
        Number of epochs.
    seed : int
        Determines initial weights and all random numbers of training.
    device : torch.device
        Where to train.
    rng : Generator
        Selects held-out pairs, for early stopping or for a budget of sufficiency.
    earlier : Trained, default=None
        Training continues from copies of its weights, optimizer state and history.
    whole : bool, default=True
        Whether this is a whole training, which may stop early and leave checkpoints, rather than
        one epoch of a `partial_fit`.

    Raises
    ------
    DivergenceError
        If the loss or the weights become infinite or NaN.
    """
    params = aligner.get_params(deep=False)
    source, validation = data.source, None
    if whole and (reason := _holds_out(params)):
        source, validation = split_validation(source, aligner.validation_fraction, rng, reason)
    with seeded(seed, device):
        net = build_net(aligner, data.inputs, data.scalings, device, seed)
        net.validation = validation
        if whole and aligner.early_stopping:
            net.callbacks.append(("early_stopping", _early_stopping(aligner.n_iter_no_change)))
        net.callbacks += weighting_callbacks(
            params,
            source,
            validation,
            first=len(earlier.net.history) if earlier is not None and whole else 0,
            n_epochs=epochs if whole else aligner.max_epochs,
        )
        _initialize(net, aligner.optimizer)
        if earlier is not None:
            _continue(net, earlier.net, keep_temperature=is_learned(aligner.temperature))
        trained = Trained(data.form, data.inputs, net, dict(columns))
        keeps = whole and aligner.checkpoint is not None
        checkpoint = _checkpoint(aligner, data, trained) if keeps else None
        if checkpoint is not None:
            net.callbacks_.append(("checkpoint", checkpoint))
            epochs -= max(checkpoint.n_epochs - len(net.history), 0)
        try:
            net.partial_fit(source, epochs=epochs)
            net.check_weights()
        except DivergenceError as error:
            raise DivergenceError(f"{error} {_what_is_left(checkpoint)}") from error
    net.finish()
    return trained


def build_net(
    aligner: AlignerParams,
    inputs: Mapping[str, InputSpec],
    scalings: Mapping[str, InputScaling | None],
    device: torch.device,
    seed: int,
) -> AlignmentNet:
    """Return an untrained net; weights are drawn from torch's current generator."""
    objective = IBObjective(
        aligner.sufficiency,
        aligner.minimality,
        initial_beta(aligner.beta),
        make_temperature(aligner.temperature),
    )
    encoders = build_encoders(
        aligner.encoders,
        inputs,
        scalings,
        aligner.n_components,
        probabilistic=minimality_term(aligner.minimality).needs_variance,
    )
    groups = [
        (f"*objective.{name}.*", {"lr": pace * aligner.lr}) for name, pace in objective.paces()
    ]
    options: dict[str, Any] = {"optimizer__param_groups": groups} if groups else {}
    return AlignmentNet(
        AlignmentModule(encoders, objective, autocast_dtype(aligner.precision, device)),
        seed=seed,
        optimizer=_optimizer_class(aligner.optimizer),
        lr=aligner.lr,
        max_epochs=aligner.max_epochs,
        batch_size=aligner.batch_size,
        callbacks=list(aligner.callbacks or []),
        device=str(device),
        compile=aligner.compile,
        verbose=aligner.verbose,
        **options,
    )


def _checkpoint(aligner: AlignerParams, data: TrainingData, trained: Trained) -> Checkpoint:
    """Return the callback that continues from the checkpoints of this very training, if any."""
    if not isinstance(aligner.random_state, Integral):
        raise ValueError(
            "checkpoint= needs random_state to be an integer, so that training can continue as it "
            f"began; got random_state={aligner.random_state!r}."
        )
    folder = CheckpointFolder(Path(aligner.checkpoint) / fingerprint(aligner, data, trained.net))
    return Checkpoint(folder, lambda: model_state(aligner, trained))


def _what_is_left(checkpoint: Checkpoint | None) -> str:
    if checkpoint is None:
        return "With checkpoint=<folder>, the model of the last finite epoch is kept."
    if checkpoint.last_ is None:
        return "There is no finite checkpoint."
    return f"The last finite checkpoint is {checkpoint.last_}: IBAligner.load reads it."


def _holds_out(params: dict[str, Any]) -> str | None:
    """Return the parameter that requires held-out pairs, for error messages."""
    if params["early_stopping"]:
        return "early_stopping"
    if sufficiency_budget(params["beta"], params["budget"]) is not None:
        return f"beta={params['beta']!r}"
    return None


def _initialize(net: AlignmentNet, optimizer: Any) -> None:
    try:
        net.initialize()
    except (TypeError, ValueError) as error:
        raise ValueError(f"optimizer={optimizer!r} cannot train this net: {error}") from error


def _early_stopping(patience: int) -> EarlyStopping:
    return EarlyStopping(
        monitor="valid_loss",
        patience=patience,
        threshold=1e-4,
        threshold_mode="abs",
        load_best=True,
    )


def _continue(net: AlignmentNet, earlier: AlignmentNet, *, keep_temperature: bool) -> None:
    """Give a net copies of the weights, optimizer state and history of an earlier training."""
    try:
        net.continue_from(earlier, keep_temperature=keep_temperature)
    except RuntimeError as error:
        raise ValueError(
            "training continues with the encoders fitted before, but encoders, n_components or "
            "minimality have changed since: set them back, or start anew with fit and "
            "warm_start=False."
        ) from error


def _optimizer_class(optimizer: Any) -> Any:
    if not isinstance(optimizer, str):
        return optimizer
    chosen = vars(torch.optim).get(optimizer)
    if isinstance(chosen, type) and issubclass(chosen, torch.optim.Optimizer):
        return chosen
    known = [
        name
        for name, value in vars(torch.optim).items()
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer)
    ]
    raise ValueError(
        f"optimizer must name a class in torch.optim, got {optimizer!r}."
        + suggest(optimizer, known)
    )
