"""Pickling of aligners, with the version of mibsk, and loading without the device of `fit`."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from itertools import chain
from typing import Any

import torch
from sklearn.base import BaseEstimator
from torch import nn

from .. import __version__
from ..files.state_file import check_version
from ..training import resolve_device

_VERSION = "_mibsk_version"


class PicklingMixin(BaseEstimator):
    """Unpickling of a fitted aligner by another version, and on a machine without a GPU.

    The net handles its own device; this class handles the parameters `device` and `encoders`.
    """

    device: Any
    encoders: Any

    def __getstate__(self) -> dict[str, Any]:
        state = {**super().__getstate__(), _VERSION: __version__}
        return {**state, "encoders": _on_cpu(self.encoders)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop(_VERSION, None)
        if "net_" in state:  # an unfitted aligner has no weights or device
            what = f"the pickled {type(self).__name__}"
            check_version(what, version)
            state["device"] = device_here(state["device"], what)
        super().__setstate__(state)


def device_here(device: str | torch.device, what: str) -> str | torch.device:
    """Return the parameter `device` of a fitted model, or "auto" if it is not available.

    Returns
    -------
    str or torch.device
        `device` if it is available, else ``"auto"``.

    Raises
    ------
    ValueError
        If the device is unknown to torch.

    Warns
    -----
    UserWarning
        If the device is not available.
    """
    try:
        resolve_device(device)
    except ValueError:
        if not _is_known(device):
            raise
        warnings.warn(
            f"{what} was fitted with device={str(device)!r}, not available here: it is loaded on "
            f"{str(resolve_device('auto'))!r}, and its device is now 'auto'.",
            UserWarning,
            stacklevel=3,
        )
        return "auto"
    return device


def _is_known(device: str | torch.device) -> bool:
    try:
        torch.device(device)
    except RuntimeError:
        return False
    return True


def _on_cpu(encoders: Any) -> Any:
    """Return the parameter `encoders` with modules on other devices copied to the CPU."""
    if isinstance(encoders, Mapping):
        moved = {name: _on_cpu(spec) for name, spec in encoders.items()}
        return moved if any(moved[name] is not encoders[name] for name in moved) else encoders
    if isinstance(encoders, nn.Module):
        tensors = chain(encoders.parameters(), encoders.buffers())
        if any(tensor.device.type != "cpu" for tensor in tensors):
            return copy.deepcopy(encoders).cpu()
    return encoders
