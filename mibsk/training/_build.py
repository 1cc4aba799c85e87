"""Construction of the untrained net from the parameters of an aligner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from .._checks.parameters import check_modality_names
from ..data import SPARSE_KINDS, InputSpec
from ..encoders import Encoder, InputScaling, build_encoder
from ..losses import IBObjective
from ._devices import autocast_dtypes
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
    if isinstance(specs, Mapping):
        check_modality_names("encoders", specs, list(inputs))
    encoders = {}
    for name, spec in inputs.items():
        encoders[name] = build_encoder(
            _network(specs.get(name, "auto") if isinstance(specs, Mapping) else specs, spec),
            spec.shape,
            n_components,
            dtype=spec.dtype,
            sparse=spec.kind in SPARSE_KINDS,
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
