"""The net that an aligner trains: made from its parameters, or going on from an earlier one."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.base import BaseEstimator
from skorch.callbacks import EarlyStopping

from .._validation import suggest
from ._alignment_module import build_alignment_module
from ._devices import autocast_dtype
from ._net import AlignmentNet
from ._training_data import TrainingData

# An adaptive optimizer moves the logarithm of the temperature by about lr a step. At the pace of
# the weights it would take thousands of steps to fall fourfold, as it does at its optimum; at this
# pace it gets there in hundreds, as when the temperature itself is the parameter.
TEMPERATURE_PACE = 10


def new_net(
    aligner: BaseEstimator, data: TrainingData, device: torch.device, seed: int
) -> AlignmentNet:
    """Return an untrained net as the parameters of an `IBAligner` say.

    Weights are drawn from torch's current generator.
    """
    module = build_alignment_module(
        data.inputs,
        data.scalings,
        encoders=aligner.encoders,
        n_components=aligner.n_components,
        sufficiency=aligner.sufficiency,
        minimality=aligner.minimality,
        beta=aligner.beta,
        temperature=aligner.temperature,
        autocast_dtype=autocast_dtype(aligner.precision, device),
    )
    callbacks = list(aligner.callbacks or [])
    if aligner.early_stopping:
        stopper = EarlyStopping(
            monitor="valid_loss",
            patience=aligner.n_iter_no_change,
            threshold=1e-4,
            threshold_mode="abs",
            load_best=True,
        )
        callbacks.append(("early_stopping", stopper))
    return AlignmentNet(
        module,
        seed=seed,
        optimizer=_optimizer_class(aligner.optimizer),
        lr=aligner.lr,
        max_epochs=aligner.max_epochs,
        batch_size=aligner.batch_size,
        callbacks=callbacks,
        device=str(device),
        compile=aligner.compile,
        verbose=aligner.verbose,
        **_parameter_groups(aligner),
    )


def go_on(net: AlignmentNet, data: TrainingData, aligner: BaseEstimator) -> None:
    """Give a new net the weights, optimizer state and history of the aligner's last fit.

    They are copies: if this fit fails, the model of the last one is as it was.
    """
    if data.inputs != aligner.inputs_:
        raise ValueError(
            "warm_start goes on with the model fitted before, but the data differ from what it "
            f"saw: {list(aligner.inputs_.values())} then, {list(data.inputs.values())} now. Pass "
            "data of the same shape and type, or set warm_start=False."
        )
    net.initialize()
    try:
        net.go_on_from(aligner.net_, keep_temperature=aligner.temperature == "learned")
    except RuntimeError as error:
        raise ValueError(
            "warm_start goes on with the encoders fitted before, but encoders, n_components or "
            "minimality have changed since: set them back, or set warm_start=False."
        ) from error


def _parameter_groups(aligner: BaseEstimator) -> dict[str, Any]:
    """Let a learned temperature move faster than the weights."""
    if aligner.temperature != "learned":
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
