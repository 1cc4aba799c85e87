"""Torch's default settings, whatever the caller has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from ._process_setting import ProcessSetting

AUTOCAST_DEVICES = ("cpu", "cuda", "mps", "xpu")

_float32 = ProcessSetting(torch.get_default_dtype, torch.set_default_dtype, torch.float32)


@contextmanager
def torch_defaults() -> Iterator[None]:
    """Compute with torch's default settings within the context, and restore the caller's.

    New tensors are float32 on the CPU, gradients are recorded, and neither inference mode nor
    autocast is active: results do not depend on ``torch.set_default_dtype``,
    ``torch.set_default_device``, ``torch.no_grad``, ``torch.inference_mode`` or ``torch.autocast``
    around the call. The default type is that of all threads, the other settings are of this one.
    """
    usual = (  # as they mostly are, and contexts slow down the embedding of a row
        torch.is_grad_enabled()
        and not torch.is_inference_mode_enabled()
        and not any(map(torch.is_autocast_enabled, AUTOCAST_DEVICES))
        and torch.empty(0).device.type == "cpu"  # faster than get_default_device
    )
    with _float32:
        if usual:
            yield
            return
        with ExitStack() as stack:
            _enter_defaults(stack)
            yield


def _enter_defaults(stack: ExitStack) -> None:
    stack.enter_context(torch.inference_mode(mode=False))
    stack.enter_context(torch.enable_grad())
    for name in AUTOCAST_DEVICES:
        if torch.is_autocast_enabled(name):
            stack.enter_context(torch.autocast(name, enabled=False))
    if torch.get_default_device().type != "cpu":  # only then, as it slows down every call
        stack.enter_context(torch.device("cpu"))
