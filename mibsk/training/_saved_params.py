"""Conversion of the parameters of an aligner to plain values, and back without executing code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch

from ..canonical import Canonical
from ..data import ColumnsForm, Form
from ..encoders import factory_classes
from ..files.state_file import can_hold
from ..schedules import Cosine, Exponential, Learned, Linear, SufficiencyBudget, WarmUp

NOT_SAVED = ("callbacks", "checkpoint")
"""Parameters specific to the machine of training, None in a loaded aligner."""

_SETTINGS = {
    cls.__name__: cls
    for cls in (WarmUp, Linear, Cosine, Exponential, Learned, SufficiencyBudget, Canonical)
}


class Foreign(NamedTuple):
    """Placeholder for a user-defined object, which is not stored in the file.

    Parameters
    ----------
    type_name : str
        Name of its type.
    """

    type_name: str


def pack_params(params: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """Return parameters as values for a state file."""
    packed = {name: _pack(value) for name, value in params.items() if name not in NOT_SAVED}
    if isinstance(form, ColumnsForm) and "mapping" in packed["modalities"]:
        found: Mapping[str, Any] = form.columns or form.positions
        columns = packed["modalities"]["mapping"]
        for name in columns.keys() & found.keys():
            if "object" in columns[name]:
                columns[name] = _pack(found[name])
    return packed


def unpack_params(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters from :func:`pack_params`, with `Foreign` for those not stored.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        If `packed` has another structure.
    """
    return {name: _unpack(value) for name, value in packed.items() if name not in NOT_SAVED}


def _pack(value: Any) -> dict[str, Any]:
    """Return a mapping of a single key, the kind of the value, to its content."""
    if isinstance(value, np.random.RandomState):
        state = value.get_state(legacy=False)
        if state["bit_generator"] == "MT19937":
            return {"random_state": state}
    if isinstance(value, torch.device):
        return {"device": str(value)}
    if _is_torch_optimizer(value):
        return {"optimizer": value.__name__}
    if type(value) in factory_classes.values() and can_hold(params := _plain(value.get_params())):
        return {"factory": {"name": type(value).__name__, "params": params}}
    if type(value) in _SETTINGS.values():
        return {"schedule": {"name": type(value).__name__, "params": asdict(value)}}
    if isinstance(value, slice) and can_hold(ends := [value.start, value.stop, value.step]):
        return {"slice": ends}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"mapping": {key: _pack(value[key]) for key in value}}
    if can_hold(value):
        return {"value": value}
    named = value if hasattr(value, "__qualname__") else type(value)
    return {"object": f"{named.__module__}.{named.__qualname__}"}


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with paths as strings."""
    return {k: os.fspath(v) if isinstance(v, os.PathLike) else v for k, v in params.items()}


def _unpack(packed: dict[str, Any]) -> Any:
    ((kind, content),) = packed.items()
    if kind == "random_state":
        generator = np.random.RandomState()
        generator.set_state(content)
        return generator
    if kind == "device":
        return torch.device(content)
    if kind == "optimizer":
        chosen = getattr(torch.optim, content)
        if not _is_torch_optimizer(chosen):
            raise TypeError(f"{content!r} is not an optimizer")
        return chosen
    if kind == "factory":
        return factory_classes[content["name"]](**content["params"])
    if kind == "schedule":
        return _SETTINGS[content["name"]](**content["params"])
    if kind == "slice":
        return slice(*content)
    if kind == "mapping":
        return {key: _unpack(value) for key, value in content.items()}
    if kind == "value":
        return content
    if kind == "object":
        return Foreign(content)
    raise KeyError(kind)


def _is_torch_optimizer(value: Any) -> bool:
    """Whether `value` is an optimizer class in the namespace of `torch.optim`."""
    is_one = isinstance(value, type) and issubclass(value, torch.optim.Optimizer)
    return is_one and vars(torch.optim).get(value.__name__) is value
