"""Fingerprint of a training, the name of its folder of checkpoints."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch

from ..data import InputSpec, StreamSource, digest
from ..files.state_file import can_hold
from ._data import TrainingData
from ._net import AlignmentNet
from ._objective import bottleneck_holds_out
from ._params import AlignerParams

# parameters that may differ when training is resumed, or that net and data determine
_LEFT_OUT = {
    "bottleneck",
    "callbacks",
    "checkpoint",
    "chunk_size",
    "compile",
    "device",
    "encoders",
    "fusion",
    "input_scaling",
    "modalities",
    "optimizer",
    "same_group",
    "verbose",
    "warm_start",
}
_FUSED = re.compile(r"fused: \w+")  # depends on the device, and is part of the saved state
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def fingerprint(aligner: AlignerParams, data: TrainingData, net: AlignmentNet) -> str:
    """Return a hash that two trainings share only if they result in the same model.

    It depends on the parameters, the data and their pairing, architecture and initial weights,
    optimizer and callbacks, but not on the device. Of a torch Dataset, only a sample is hashed.
    """
    params = aligner.get_params(deep=False)
    weights = weights_as_bytes(net.module)
    pairing = None
    if not isinstance(data.source, StreamSource):
        pairing = {**vars(data.source.pairing), "n_rows": data.source.pairing.n_rows}
        pairing = {name: value for name, value in pairing.items() if value is not None}
    # the networks are the same, but some pairs are held out at first
    extra: dict[str, Any] = {"bottleneck": "holds out"} if bottleneck_holds_out(aligner) else {}
    if isinstance(aligner.encoders, str) and aligner.encoders == "auto":
        extra["closed form"] = repr(aligner.bottleneck)
    if data.groups is not None:
        extra["groups"] = data.groups
    if data.presence is not None:
        extra["present"] = data.presence.masks
    if aligner.chunk_size is not None:
        extra["chunk size"] = aligner.chunk_size
    if aligner.same_group != "negative":
        extra["same group"] = aligner.same_group
    if settings := settings_of_users(net.module):
        extra["settings"] = settings
    return digest(
        {
            **extra,
            "params": {
                name: _ADDRESS.sub("", repr(params[name])) for name in params.keys() - _LEFT_OUT
            },
            "inputs": [_description(spec) for spec in data.inputs.values()],
            "rows": data.seen,
            "pairing": pairing,
            "module": [repr(net.module), weights],
            "optimizer": _FUSED.sub("fused: None", repr(net.optimizer_)),
            "callbacks": [_describe(callback) for callback in aligner.callbacks or []],
            "epochs before": len(net.history),
        }
    )


def settings_of_users(module: torch.nn.Module) -> dict[str, dict[str, Any]]:
    """Return the plain attributes of the modules of other packages, which `repr` may not show."""
    found = {}
    for path, part in module.named_modules():
        if type(part).__module__.partition(".")[0] in ("torch", "mibsk"):
            continue
        own = {k: v for k, v in vars(part).items() if not k.startswith("_") and k != "training"}
        if plain := {name: value for name, value in own.items() if can_hold(value)}:
            found[path] = plain
    return found


def _description(spec: InputSpec) -> dict[str, Any]:
    """Return a description of the rows, with only what those of earlier versions contain."""
    return {name: value for name, value in spec.to_dict().items() if name != "pixels"}


def weights_as_bytes(module: torch.nn.Module) -> dict[str, np.ndarray]:
    """Return the bytes of the entries of the state dict."""
    return {
        name: value.detach().cpu().reshape(-1).view(torch.uint8).numpy()
        for name, value in module.state_dict().items()
    }


def _describe(callback: Any) -> str:
    """Return class and parameters of a callback, without addresses in memory."""
    name, instance = callback if isinstance(callback, tuple) else ("", callback)
    given = {key: value for key, value in vars(instance).items() if not key.endswith("_")}
    return _ADDRESS.sub("", f"{name} {type(instance).__qualname__} {given!r}")
