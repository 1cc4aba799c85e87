"""Descriptions of torch modules and settings by all that a training depends on."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch import nn

from ..files.state_file import can_hold

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_OF_TORCH = {*vars(nn.Module()), "training"}  # attributes that every module has


def describe_module(module: nn.Module) -> dict[str, Any]:
    """Return nested plain values for :func:`mibsk.data.digest`, equal in each process.

    They contain the weights, and which of them are trained and shared; and what weights and `repr`
    do not show: attributes of the parts, such as `norm_first`, their buffers and functions, and the
    source of classes and functions of other packages than torch and this one.
    """
    types = dict.fromkeys(type(part) for part in module.modules())
    return {
        "modules": repr(module),
        "weights": weights_as_bytes(module),
        "trained": [name for name, weight in module.named_parameters() if weight.requires_grad],
        "parts": {path: _attributes(part) for path, part in module.named_modules()},
        "code": [[_code(base) for base in each.__mro__] for each in types],
    }


def weights_as_bytes(module: nn.Module) -> dict[str, np.ndarray]:
    """Return the bytes of the entries of the state dict."""
    return {
        name: value.detach().cpu().reshape(-1).view(torch.uint8).numpy()
        for name, value in module.state_dict().items()
    }


def without_addresses(text: str) -> str:
    """Return a `repr` without addresses in memory, which differ in each process."""
    return _ADDRESS.sub("", text)


def _attributes(part: nn.Module) -> dict[str, Any]:
    own = {name: value for name, value in vars(part).items() if name not in _OF_TORCH}
    own |= dict(part.named_buffers(recurse=False))
    hooks = (
        part._forward_pre_hooks,
        part._forward_hooks,
        part._backward_pre_hooks,
        part._backward_hooks,
    )
    own["hooks"] = [hook for some in hooks for hook in some.values()]
    return {name: describe(value, inside=True) for name, value in own.items()}


def describe(value: Any, *, inside: bool = False) -> Any:
    """Return nested plain values that describe a setting, equal in each process.

    A function is described by its source and the values it was made with, an object by its type
    and, if `inside`, its public attributes.
    """
    if can_hold(value):
        return value
    if isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
        return [describe(each, inside=inside) for each in parts]
    if inspect.isfunction(value):
        return [_code(value), [describe(each) for each in _set_values(value)]]
    if inspect.isroutine(value) or isinstance(value, type):
        return _code(value)
    if isinstance(value, Enum | slice | torch.dtype):
        return repr(value)
    if isinstance(value, set | frozenset):  # in another order in each process
        return sorted(without_addresses(repr(item)) for item in value)
    if isinstance(value, list | tuple):
        return [describe(item, inside=inside) for item in value]
    if isinstance(value, Mapping):
        return {repr(key): describe(item, inside=inside) for key, item in value.items()}
    own = getattr(value, "__dict__", {}).items() if inside else ()
    public = {key: describe(item) for key, item in own if not key.startswith("_")}
    return [type(value).__qualname__, public]


def _set_values(function: Any) -> list[Any]:
    """Return defaults of a function and what it takes from the function around it."""
    found = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # it has no value yet
            found.append(cell.cell_contents)
    return found


def _code(part: Any) -> str:
    """Return the source of a class or function of a user, whose change weights do not show."""
    name: str = part.__qualname__
    package = str(getattr(part, "__module__", "")).partition(".")[0]
    if package in ("torch", "mibsk"):
        return name
    if name.endswith("<lambda>"):  # a line of source may have several
        code = part.__code__
        values = [each for each in code.co_consts if can_hold(each)]
        return repr([code.co_code, code.co_names, values])
    try:
        return inspect.getsource(part)
    except (OSError, TypeError):  # defined in a session, or built in
        return name
