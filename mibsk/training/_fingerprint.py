"""Fingerprint of a training, the name of its folder of checkpoints."""

from __future__ import annotations

import re
from typing import Any

from ..data import StreamSource, digest
from ._data import TrainingData
from ._description import describe, describe_module, without_addresses
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


def fingerprint(aligner: AlignerParams, data: TrainingData, net: AlignmentNet) -> str:
    """Return a hash that two trainings share only if they result in the same model.

    It depends on the parameters, the data and their pairing, architecture and initial weights,
    optimizer and callbacks, but not on the device. Of a torch Dataset, only a sample is hashed.
    """
    params = aligner.get_params(deep=False)
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
    return digest(
        {
            **extra,
            "params": {name: _of_setting(params[name]) for name in params.keys() - _LEFT_OUT},
            "inputs": [spec.to_dict() for spec in data.inputs.values()],
            "rows": data.seen,
            "pairing": pairing,
            "encoders": describe_module(net.module.encoders),
            "objective": describe_module(net.module.objective),
            "optimizer": _FUSED.sub("fused: None", repr(net.optimizer_)),
            "callbacks": [_of_callback(callback) for callback in aligner.callbacks or []],
            "epochs before": len(net.history),
        }
    )


def _of_callback(callback: Any) -> list[Any]:
    name, instance = callback if isinstance(callback, tuple) else ("", callback)
    given = {key: value for key, value in vars(instance).items() if not key.endswith("_")}
    return [name, type(instance).__qualname__, _of_setting(given)]


def _of_setting(value: Any) -> list[Any]:
    return [without_addresses(repr(value)), describe(value)]
