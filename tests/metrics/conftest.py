"""Fixtures of the metrics: the path of tensors on an accelerator, without one."""

import sys

import pytest
import torch

from mibsk._checks.tensors import is_tensor


@pytest.fixture
def accelerated(monkeypatch):
    """Let tensors in memory stay tensors; returns what makes such a one, of float32."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("mibsk.metrics.", "mibsk._checks.")) and hasattr(
            module, "on_accelerator"
        ):
            monkeypatch.setattr(module, "on_accelerator", is_tensor)
    return lambda X: torch.tensor(X, dtype=torch.float32)
