"""Where training runs, and in which precision."""

import pytest
import torch
from torch import nn

from mibsk.training._devices import autocast_dtype, resolve_device

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("device", ["cpu", CPU])
def test_resolve_named(device):
    assert resolve_device(device) == CPU


@pytest.mark.parametrize(("there", "expected"), [(True, CUDA), (False, CPU)])
def test_resolve_auto(monkeypatch, there, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert resolve_device("auto") == expected


LINEAR, CONV = [nn.Linear(2, 2)], [nn.Linear(2, 2), nn.Sequential(nn.Conv2d(1, 2, 3))]


@pytest.mark.parametrize(
    ("precision", "device", "has_bfloat16", "encoders", "expected"),
    [
        ("float32", CUDA, True, CONV, None),
        ("float32", CPU, True, CONV, None),
        ("bfloat16", CPU, False, LINEAR, torch.bfloat16),
        ("auto", CPU, True, LINEAR, None),
        ("auto", CPU, True, CONV, torch.bfloat16),
        ("auto", CPU, False, CONV, None),
        ("auto", CUDA, True, LINEAR, torch.bfloat16),
        ("auto", CUDA, False, CONV, None),
        ("auto", torch.device("mps"), True, CONV, None),
    ],
)
def test_autocast_dtype(monkeypatch, precision, device, has_bfloat16, encoders, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **kwargs: has_bfloat16)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_bfloat16, raising=False)
    assert autocast_dtype(precision, device, encoders) == expected


def test_another_torch_may_not_name_the_instructions(monkeypatch):
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    assert autocast_dtype("auto", CPU, CONV) is None


def test_device_without_data():
    with pytest.raises(ValueError, match="torch cannot compute on it here"):
        resolve_device("meta")
