"""Training: a net made from the parameters of an aligner, or going on from an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from skorch.callbacks import EarlyStopping

from .._checks.parameters import suggest
from ..data import InputSpec
from ..encoders import InputScaling
from ..exceptions import DivergenceError
from ._alignment_module import build_alignment_module
from ._checkpoint import Checkpoint, CheckpointFolder
from ._description import describe
from ._devices import autocast_dtype, seeded
from ._fingerprint import fingerprint
from ._fitted import FittedAligner
from ._net import AlignmentNet
from ._training_data import TrainingData, split_validation
from ._weighting import (
    initial_beta,
    is_learned,
    make_temperature,
    sufficiency_budget,
    weighting_callbacks,
)

# An adaptive optimizer moves the logarithm of the temperature by about lr a step. At the pace of
# the weights it would take thousands of steps to fall fourfold, as it does at its optimum; at this
# pace it gets there in hundreds, as when the temperature itself is the parameter.
TEMPERATURE_PACE = 10


def train(
    aligner: BaseEstimator,
    data: TrainingData,
    columns: BaseEstimator,
    *,
    epochs: int,
    seed: int,
    device: torch.device,
    rng: np.random.Generator,
    earlier: FittedAligner | None = None,
    whole: bool = True,
) -> AlignmentNet:
    """Return a net trained as the parameters of an `IBAligner` say.

    Parameters
    ----------
    aligner : IBAligner
        Its parameters are read.
    data : TrainingData
        What to train on.
    columns : estimator
        Has what the data, if a table, say of their columns.
    epochs : int
        For how many epochs.
    seed : int
        Decides on initial weights and on all that training draws.
    device : torch.device
        Where.
    rng : Generator
        Sets pairs aside, for early stopping or for a budget of sufficiency.
    earlier : FittedAligner, default=None
        Goes on from copies of its weights, optimizer state and history, and stays as it is.
    whole : bool, default=True
        Whether this is a whole training, which may stop early and leave checkpoints, rather than a
        part of one that the caller directs.

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
        net = new_net(aligner, data.inputs, data.scalings, device, seed)
        net.validation = validation
        if whole and aligner.early_stopping:
            net.callbacks.append(("early_stopping", _early_stopping(aligner.n_iter_no_change)))
        net.callbacks += weighting_callbacks(
            params,
            source,
            validation,
            first=earlier.n_iter_ if earlier is not None and whole else 0,
            n_epochs=epochs if whole else aligner.max_epochs,
        )
        _initialize(net, aligner.optimizer)
        if earlier is not None:
            _go_on(net, earlier, keep_temperature=is_learned(aligner.temperature))
        keeps = whole and aligner.checkpoint is not None
        checkpoint = _checkpoint(aligner, data, columns, net) if keeps else None
        if checkpoint is not None:
            net.callbacks_.append(("checkpoint", checkpoint))
            epochs -= max(checkpoint.n_epochs - len(net.history), 0)
        try:
            net.partial_fit(source, epochs=epochs)
            net.check_weights()
        except DivergenceError as error:
            raise DivergenceError(f"{error} {_what_is_left(checkpoint)}") from error
    objective = net.module.objective
    objective.beta = float(objective.beta)  # also where a tensor was at work
    # a fitted estimator holds no data, nor the weights that early stopping put aside
    net.validation, net.callbacks, net.callbacks_ = None, None, []
    return net


def new_net(
    aligner: BaseEstimator,
    inputs: Mapping[str, InputSpec],
    scalings: Mapping[str, InputScaling | None],
    device: torch.device,
    seed: int,
) -> AlignmentNet:
    """Return an untrained net as the parameters of an `IBAligner` say.

    Weights are drawn from torch's current generator.
    """
    module = build_alignment_module(
        inputs,
        scalings,
        encoders=aligner.encoders,
        n_components=aligner.n_components,
        sufficiency=aligner.sufficiency,
        minimality=aligner.minimality,
        beta=initial_beta(aligner.beta),
        temperature=make_temperature(aligner.temperature),
        autocast_dtype=autocast_dtype(aligner.precision, device),
    )
    return AlignmentNet(
        module,
        seed=seed,
        optimizer=_optimizer_class(aligner.optimizer),
        lr=aligner.lr,
        max_epochs=aligner.max_epochs,
        batch_size=aligner.batch_size,
        callbacks=list(aligner.callbacks or []),
        device=str(device),
        compile=aligner.compile,
        verbose=aligner.verbose,
        **_parameter_groups(aligner),
    )


def _checkpoint(
    aligner: BaseEstimator, data: TrainingData, columns: BaseEstimator, net: AlignmentNet
) -> Checkpoint:
    """Return the callback that goes on from the checkpoints of this very training, if any."""
    if not isinstance(aligner.random_state, Integral):
        raise ValueError(
            "checkpoint= needs random_state to be an integer, so that training can go on as it "
            f"began; got random_state={aligner.random_state!r}."
        )
    folder = CheckpointFolder(Path(aligner.checkpoint) / fingerprint(aligner, data, net))
    return Checkpoint(folder, lambda net: describe(aligner, data.form, data.inputs, net, columns))


def _what_is_left(checkpoint: Checkpoint | None) -> str:
    if checkpoint is None:
        return "With checkpoint=<folder>, the model of the last finite epoch is kept."
    if checkpoint.last_ is None:
        return "There is no finite checkpoint."
    return f"The last finite checkpoint is {checkpoint.last_}: IBAligner.load reads it."


def _holds_out(params: dict[str, Any]) -> str | None:
    """Return the parameter for whose sake pairs are held out, as an error may name it."""
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


def _go_on(net: AlignmentNet, earlier: FittedAligner, *, keep_temperature: bool) -> None:
    """Give a net copies of the weights, optimizer state and history of an earlier training."""
    try:
        net.go_on_from(earlier.net_, keep_temperature=keep_temperature)
    except RuntimeError as error:
        raise ValueError(
            "training goes on with the encoders fitted before, but encoders, n_components or "
            "minimality have changed since: set them back, or start anew with fit and "
            "warm_start=False."
        ) from error


def _parameter_groups(aligner: BaseEstimator) -> dict[str, Any]:
    """Let a learned temperature move faster than the weights."""
    if not is_learned(aligner.temperature):
        return {}
    group = ("*objective.temperature.*", {"lr": TEMPERATURE_PACE * aligner.lr})
    return {"optimizer__param_groups": [group]}


def _optimizer_class(optimizer: Any) -> Any:
    if not isinstance(optimizer, str):
        return optimizer
    chosen = getattr(torch.optim, optimizer, None)
    if not (isinstance(chosen, type) and issubclass(chosen, torch.optim.Optimizer)):
        known = [
            name
            for name, value in vars(torch.optim).items()
            if isinstance(value, type) and issubclass(value, torch.optim.Optimizer)
        ]
        raise ValueError(
            f"optimizer must name a class in torch.optim, got {optimizer!r}."
            + suggest(optimizer, known)
        )
    return chosen
