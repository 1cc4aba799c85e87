"""Training of a net built from the parameters of an aligner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from skorch.callbacks import EarlyStopping

from ..data import StreamSource
from ._build import build_net
from ._callbacks import check_callbacks
from ._closed_form_role import closed_form_role
from ._data import TrainingData, split_validation
from ._epochs import n_epochs
from ._frozen_features import with_features
from ._learning_rate import CosineRate, changes_rate
from ._net import AlignmentNet
from ._nothing_shared import warn_if_nothing_shared
from ._objective import build_objective, is_learned, objective_callbacks, reason_to_hold_out
from ._observer import ObservedEpochs, TrainingObserver
from ._params import AlignerParams
from ._processes import join_processes, silent_elsewhere
from ._progress import tell
from ._result import Trained
from ._seeding import seeded
from ._selection import split_for_selection
from ._source_rows import groups_of_pairs
from ._stages import Stages

SHARE_HELD_OUT = 0.5
"""Part of the epochs after which the pairs that were held out to choose a weight are added."""


def train(
    aligner: AlignerParams,
    data: TrainingData,
    columns: Mapping[str, Any],
    *,
    seed: int,
    device: torch.device,
    rng: np.random.Generator,
    earlier: Trained | None = None,
    whole: bool = True,
    observer: TrainingObserver | None = None,
) -> Trained:
    """Train as the parameters of an aligner specify.

    With a closed form of the inputs beside the networks, some pairs are held out in the first half
    of the epochs; its weight is then chosen on them, and they are trained on in the second half.

    Parameters
    ----------
    aligner : AlignerParams
        Aligner with the parameters; it is not changed.
    data : TrainingData
        Training pairs.
    columns : mapping of str to object
        ``n_features_in_`` and ``feature_names_in_``, if the data were a table.
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
    observer : TrainingObserver, default=None
        Is told of the epochs, and can stop the training.

    Raises
    ------
    DivergenceError
        If the loss or the weights become infinite or NaN.
    """
    is_joint = torch.distributed.is_available() and torch.distributed.is_initialized()
    if is_joint:
        aligner = silent_elsewhere(aligner)
    with seeded(seed, device):
        if whole and aligner.encoders not in ("auto", "network"):  # the default has no tower
            data = with_features(aligner, data, device, earlier)
        source, validation = data.source, None
        groups = None if data.groups is None else groups_of_pairs(source, data.groups)
        role = closed_form_role(aligner, data, whole=whole)
        monitored = check_callbacks(aligner, source, whole=whole) if role != "alone" else []
        if whole and role != "alone" and (reason := reason_to_hold_out(aligner)):
            source, validation = split_validation(
                source, aligner.validation_fraction, rng, reason, groups
            )
        rest, held_out = source, validation
        if role == "beside" and validation is None:
            assert not isinstance(source, StreamSource)
            parts = split_for_selection(source, aligner.validation_fraction, rng, groups)
            rest, held_out = parts or (source, None)
        epochs = n_epochs(aligner, source)
        n_before = 0 if earlier is None else len(earlier.net.history)
        callbacks = []
        if role != "alone":
            callbacks = objective_callbacks(
                aligner, source, validation, first=n_before if whole else 0, n_epochs=epochs
            )
        if whole and aligner.early_stopping:
            stopping = _early_stopping(aligner.n_iter_no_change, aligner.verbose)
            callbacks.insert(0, ("early_stopping", stopping))
        objective = build_objective(aligner)
        net = build_net(aligner, objective, data.inputs, data.scalings, device, seed)
        net.callbacks = [*monitored, *net.callbacks, *callbacks]
        net.validation = validation
        try:
            net.initialize()
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"optimizer={aligner.optimizer!r} cannot train this net: {error}. Use one that "
                "can, such as 'Adam', 'AdamW' or 'SGD'."
            ) from error
        if earlier is not None:
            _continue(net, earlier.net, keep_temperature=is_learned(aligner.temperature))
        if is_joint and role != "alone":
            join_processes(aligner, data, net, observer)
        if whole and changes_rate(aligner):
            by_step = aligner.lr_schedule == "cosine-by-step"
            rate = CosineRate(net, n_before, epochs, by_step=by_step)
            net.callbacks_.append(("learning_rate", rate))
        net.n_epochs_ = n_before + (epochs if whole else 1)
        trained = Trained(data.form, data.inputs, net, dict(columns))
        stages = Stages(aligner, trained, device, data.groups, continues=earlier is not None)

        def stopped() -> Trained:
            """Return the result of stopping now, computed on a copy."""
            other = stages.snapshot()
            other.net.check_weights()
            if role == "beside":
                assert not isinstance(source, StreamSource)
                assert not isinstance(rest, StreamSource)
                other.add_closed_form(rest, held_out, whole=source)
            if whole:
                other.finish(source, validation)
            other.net.finish()
            return other.trained

        if observer is not None:
            observer.begin_training(0 if role == "alone" else epochs if whole else 1)
            net.callbacks_.append(("observed", ObservedEpochs(observer, stopped)))
        if not whole:
            stages.train(source, n_before + 1)
        elif role != "alone":
            if aligner.checkpoint is not None:
                stages.keep_checkpoints(data)
            n_first = epochs if rest is source else max(round(SHARE_HELD_OUT * epochs), 1)
            stages.train(rest, n_before + n_first)
            if role == "beside":
                assert not isinstance(source, StreamSource)
                assert not isinstance(rest, StreamSource)
                stages.add_closed_form(rest, held_out, whole=source)
            if rest is not source and not stages.has_closed_form_alone:
                stages.train(source, n_before + epochs)
    if whole:
        if role == "alone":
            assert not isinstance(source, StreamSource)
            stages.use_closed_form_alone(source)
        stages.finish(source, validation)
        if role != "alone":
            warn_if_nothing_shared(stages.trained)
    net.finish()
    if observer is not None:
        observer.end_training(stages.trained)
    return stages.trained


def _silent(text: str) -> None:
    """Print nothing: with `verbose=0`, skorch is silent only if it would print itself."""


def _early_stopping(patience: int, verbose: int) -> EarlyStopping:
    return EarlyStopping(
        monitor="valid_loss",
        patience=patience,
        threshold=1e-4,
        threshold_mode="abs",
        load_best=True,
        sink=tell if verbose else _silent,
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
