"""Construction of the untrained net from the parameters of an aligner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from .._checks.parameters import check_modality_names
from ..data import InputSpec
from ..encoders import Encoder, InputScaling, JointEncoders, JointTerm, build_encoder
from ..losses import IBObjective
from ._devices import autocast_dtypes
from ._epoch_means import EpochMeans
from ._module import AlignmentModule
from ._net import AlignmentNet
from ._optimizers import choose_optimizer
from ._params import AlignerParams


def build_net(
    aligner: AlignerParams,
    objective: IBObjective,
    inputs: Mapping[str, InputSpec],
    scalings: Mapping[str, InputScaling | None],
    device: torch.device,
    seed: int,
) -> AlignmentNet:
    """Return an untrained net; weights are drawn from torch's current generator."""
    params = {name: getattr(aligner, name) for name in AlignerParams.__annotations__}
    settings = {k: v for k, v in params.items() if isinstance(v, str | int | float)}
    encoders = _build_encoders(
        aligner.encoders,
        inputs,
        scalings,
        aligner.n_components,
        probabilistic=objective.minimality_term.needs_variance,
    )
    objective.build(len(encoders), aligner.n_components)
    if isinstance(aligner.encoders, JointEncoders):
        objective.further = _further_terms(aligner, aligner.encoders)
    groups = []
    for name, pace in objective.paces():
        groups.append((f"*objective.{name}.*", {"lr": pace * aligner.lr}))
    dtypes = autocast_dtypes(aligner.precision, device, encoders.values())
    module = AlignmentModule(encoders, objective, dtypes)
    optimizer, options = choose_optimizer(aligner.optimizer, module, device)
    if groups:
        options["optimizer__param_groups"] = groups
    net = AlignmentNet(
        module,
        seed=seed,
        optimizer=optimizer,
        lr=aligner.lr,
        batch_size=aligner.batch_size,
        chunk_size=aligner.chunk_size,
        callbacks=list(aligner.callbacks or []),
        device=str(device),
        compile=aligner.compile,
        verbose=aligner.verbose,
        **options,
    )
    net.settings = settings
    return net


def _build_encoders(
    specs: Any,
    inputs: Mapping[str, InputSpec],
    scalings: Mapping[str, InputScaling | None],
    n_components: int,
    *,
    probabilistic: bool,
) -> dict[str, Encoder]:
    """Build the encoder of each modality; weights are drawn from torch's current generator.

    Raises
    ------
    TypeError, ValueError
        If a name is not a modality, or an encoder does not support the rows.
    """
    if isinstance(specs, JointEncoders):  # which scale the rows themselves
        n_outputs = (2 if probabilistic else 1) * n_components
        specs, scalings = _joint_modules(specs, inputs, n_outputs), dict.fromkeys(inputs)
    if isinstance(specs, Mapping):
        check_modality_names("encoders", specs, list(inputs))
    networks = {}
    for name, spec in inputs.items():
        given = specs.get(name, "auto") if isinstance(specs, Mapping) else specs
        networks[name] = _network(given, spec)
    sparse = {name: spec.is_sparse for name, spec in inputs.items()}
    encoders = {}
    for name, spec in inputs.items():
        encoders[name] = build_encoder(
            networks[name],
            spec.shape,
            n_components,
            dtype=spec.dtype,
            sparse=sparse[name],
            probabilistic=probabilistic,
            scaling=scalings[name],
            modality=name,
        )
    return encoders


def _network(specification: Any, spec: InputSpec) -> Any:
    """Return the specification of a network; nothing is trained beside a closed form alone."""
    if isinstance(specification, str) and specification == "canonical":
        return "sparse" if spec.is_sparse else "linear"
    return specification


def _joint_modules(
    joint: JointEncoders, inputs: Mapping[str, InputSpec], n_outputs: int
) -> dict[str, _Built]:
    """Return the modules of all modalities, which may share weights.

    Raises
    ------
    TypeError, ValueError
        If they are not those of all modalities, or a modality has sparse rows.
    """
    for name, spec in inputs.items():
        if spec.is_sparse:
            raise ValueError(
                f"modality {name!r} has {spec.kind} rows, which joint encoders do not read: "
                "convert them to an array."
            )
    modules = joint({name: spec.shape for name, spec in inputs.items()}, n_outputs)
    if not isinstance(modules, Mapping) or modules.keys() != inputs.keys():
        got = list(modules) if isinstance(modules, Mapping) else type(modules).__name__
        raise TypeError(
            f"{type(joint).__name__} must return a module for each of {list(inputs)}, got {got}."
        )
    return {name: _Built(modules[name]) for name in inputs}


@dataclass(frozen=True)
class _Built:
    """A factory of a module that was built before; of a module itself, a copy would be used."""

    module: nn.Module

    def __call__(self, input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
        return self.module


def _further_terms(aligner: AlignerParams, joint: JointEncoders) -> dict[str, JointTerm]:
    """Return the losses of the encoders.

    Raises
    ------
    ValueError
        If a name is taken, or the training embeds only a part of a batch at a time.
    """
    terms = dict(joint.terms())
    if taken := terms.keys() & set(EpochMeans(IBObjective().parts).names):
        raise ValueError(f"{type(joint).__name__} has a term {min(taken)!r}: choose another name.")
    if terms and aligner.chunk_size is not None:
        raise ValueError(
            f"chunk_size={aligner.chunk_size} needs a loss of embeddings alone, and "
            f"{type(joint).__name__} has the terms {', '.join(terms)}: set chunk_size=None."
        )
    return terms
