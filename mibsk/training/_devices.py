"""Device and precision of training."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from ..encoders import ChannelsFirst
from ._process_setting import ProcessSetting


def resolve_device(device: str | torch.device) -> torch.device:
    """Return the torch device; ``"auto"`` is the GPU if there is one.

    Raises
    ------
    ValueError
        If the device is unknown or not available.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device must be 'auto' or a torch device such as 'cpu' or 'cuda:0', got {device!r}."
        ) from error
    n_gpus = torch.cuda.device_count() if chosen.type == "cuda" else 0
    if chosen.type == "cuda" and (chosen.index or 0) >= n_gpus:
        seen = f"only {n_gpus} GPU(s)" if n_gpus else "no GPU"
        raise ValueError(
            f"device={str(device)!r} was requested, but torch sees {seen}: use device='auto' or "
            "'cpu'."
        )
    try:
        torch.zeros(1, device=chosen).item()
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        raise ValueError(
            f"device={str(device)!r} was requested, but torch cannot compute on it here "
            f"({str(error).splitlines()[0]:.80}): use device='auto' or 'cpu'."
        ) from error
    return chosen


def autocast_dtypes(
    precision: str, device: torch.device, encoders: Iterable[nn.Module]
) -> list[torch.dtype | None]:
    """Return the dtype of each encoder in training, or None for float32.

    ``"auto"`` is bfloat16, which needs no loss scaling, on a GPU that supports it, and on a CPU
    with instructions for it in the encoders of this package for images; else float32.
    """
    encoders = list(encoders)
    lowered = [precision == "bfloat16"] * len(encoders)
    if precision == "auto" and device.type == "cuda":
        lowered = [torch.cuda.is_bf16_supported(including_emulation=False)] * len(encoders)
    elif precision == "auto" and device.type == "cpu" and _cpu_has_bfloat16():
        # convolutions of others may be followed by operations that a CPU has in float32 alone
        lowered = [
            any(isinstance(part, ChannelsFirst) for part in encoder.modules())
            for encoder in encoders
        ]
    return [torch.bfloat16 if low else None for low in lowered]


def _cpu_has_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 itself, rather than by conversion to float32."""
    has_it: Any = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch has no public name
    return has_it is not None and bool(has_it())


def exact_convolutions(device: torch.device) -> AbstractContextManager[None]:
    """Compute float32 convolutions in float32 on a GPU, where cuDNN uses TF32 by default."""
    if device.type != "cuda" or not hasattr(torch.backends.cudnn, "conv"):  # torch < 2.9
        return nullcontext()
    return _exact


def _precision() -> str:
    return _convolutions().fp32_precision


def _set_precision(value: str) -> None:
    _convolutions().fp32_precision = value


def _convolutions() -> Any:
    cudnn: Any = torch.backends.cudnn
    return cudnn.conv


_exact = ProcessSetting(_precision, _set_precision, "ieee")
