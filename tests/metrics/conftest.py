"""Fixtures of the metrics: the code path of an accelerator, without one."""

import sys

import pytest
import torch

from mibsk._checks.tensors import is_tensor


@pytest.fixture
def accelerated(monkeypatch):
    """Treat tensors in memory as if on an accelerator; return a function that makes one."""
    for name, module in list(sys.modules.items()):
        if name.startswith("mibsk.") and "on_accelerator" in vars(module):
            monkeypatch.setattr(module, "on_accelerator", is_tensor)
    return lambda X: torch.tensor(X, dtype=torch.float32)
