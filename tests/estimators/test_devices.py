"""Where training runs, and in which precision."""

import pytest
import torch

from mibsk.training._devices import autocast_dtype, resolve_device

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("device", ["cpu", CPU])
def test_resolve_named(device):
    assert resolve_device(device) == CPU


@pytest.mark.parametrize(("there", "expected"), [(True, CUDA), (False, CPU)])
def test_resolve_auto(monkeypatch, there, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert resolve_device("auto") == expected


@pytest.mark.parametrize(
    ("precision", "device", "has_bfloat16", "expected"),
    [
        ("float32", CUDA, True, None),
        ("bfloat16", CPU, False, torch.bfloat16),
        ("auto", CPU, True, None),
        ("auto", CUDA, True, torch.bfloat16),
        ("auto", CUDA, False, None),
    ],
)
def test_autocast_dtype(monkeypatch, precision, device, has_bfloat16, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **kwargs: has_bfloat16)
    assert autocast_dtype(precision, device) == expected


def test_device_without_data():
    with pytest.raises(ValueError, match="torch cannot compute on it here"):
        resolve_device("meta")
