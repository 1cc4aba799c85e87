"""Training of a net built from the parameters of an aligner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skorch.callbacks import EarlyStopping

from ..exceptions import DivergenceError
from ._bottleneck import canonical_settings, fit_bottleneck
from ._build import build_net
from ._checkpoint import Checkpoint, CheckpointFolder
from ._data import TrainingData, split_validation
from ._devices import autocast_dtype, seeded
from ._fingerprint import fingerprint
from ._model_state import model_state
from ._net import AlignmentNet
from ._objective import build_objective, is_learned, objective_callbacks, reason_to_hold_out
from ._params import AlignerParams
from ._result import Trained


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
        Aligner with the parameters; it is not changed.
    data : TrainingData
        Training pairs.
    columns : mapping of str to object
        ``n_features_in_`` and ``feature_names_in_``, if the data were a table.
    epochs : int
        Number of epochs.
    seed : int
        Seed of the initial weights and of all random numbers of training.
    device : torch.device
        Device of the training.
    rng : Generator
        Generator that selects held-out pairs, for early stopping or a budget of sufficiency.
    earlier : Trained, default=None
        Training to continue from, with copies of its weights, optimizer state and history.
    whole : bool, default=True
        Whether this is a whole training, which may stop early and leave checkpoints, rather than
        one epoch of a `partial_fit`.

    Raises
    ------
    DivergenceError
        If the loss or the weights become infinite or NaN.
    """
    precision = autocast_dtype(aligner.precision, device)
    with seeded(seed, device):
        source, validation = data.source, None
        if whole and (reason := reason_to_hold_out(aligner)):
            source, validation = split_validation(source, aligner.validation_fraction, rng, reason)
        callbacks = objective_callbacks(
            aligner,
            source,
            validation,
            first=len(earlier.net.history) if earlier is not None and whole else 0,
            n_epochs=epochs if whole else aligner.max_epochs,
        )
        if whole and aligner.early_stopping:
            callbacks.insert(0, ("early_stopping", _early_stopping(aligner.n_iter_no_change)))
        objective = build_objective(aligner)
        net = build_net(aligner, objective, data.inputs, data.scalings, device, precision, seed)
        net.callbacks += callbacks
        net.validation = validation
        try:
            net.initialize()
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"optimizer={aligner.optimizer!r} cannot train this net: {error}"
            ) from error
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
    settings = canonical_settings(aligner)
    if whole and settings is not None:
        others = validation if settings.hold_out else None
        bottleneck = fit_bottleneck(settings, net.module, source, others, device)
        bottleneck.attach(net.module, device)
        trained = replace(trained, bottleneck=bottleneck)
        if checkpoint is not None:
            checkpoint.complete(net, model_state(aligner, trained))
    net.finish()
    return trained


def _checkpoint(aligner: AlignerParams, data: TrainingData, trained: Trained) -> Checkpoint:
    """Return the callback that writes checkpoints, and resumes from those of the same training."""
    if not isinstance(aligner.random_state, Integral):
        raise ValueError(
            "checkpoint= needs random_state to be an integer, so that training can be resumed "
            f"identically; got random_state={aligner.random_state!r}."
        )
    folder = CheckpointFolder(Path(aligner.checkpoint) / fingerprint(aligner, data, trained.net))
    return Checkpoint(folder, lambda: model_state(aligner, trained))


def _what_is_left(checkpoint: Checkpoint | None) -> str:
    if checkpoint is None:
        return "With checkpoint=<folder>, the model of the last finite epoch is kept."
    if checkpoint.last_ is None:
        return "There is no finite checkpoint."
    return f"The last finite checkpoint is {checkpoint.last_}: IBAligner.load reads it."


def _early_stopping(patience: int) -> EarlyStopping:
    return EarlyStopping(
        monitor="valid_loss",
        patience=patience,
        threshold=1e-4,
        threshold_mode="abs",
        load_best=True,
    )


def _continue(net: AlignmentNet, earlier: AlignmentNet, *, keep_temperature: bool) -> None:
    """Copy the weights, optimizer state and history of an earlier training to a net."""
    try:
        net.continue_from(earlier, keep_temperature=keep_temperature)
    except RuntimeError as error:
        raise ValueError(
            "training continues with the weights fitted before, but encoders, n_components, "
            "sufficiency or minimality have changed since: restore them, or use fit with "
            "warm_start=False."
        ) from error
