"""Where training runs, and in which precision."""

import numpy as np
import pytest
import torch
from torch import nn

from mibsk import IBAligner
from mibsk.encoders import MLP, ResNet, build_encoder
from mibsk.training._devices import autocast_dtypes, resolve_device

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("device", ["cpu", CPU])
def test_resolve_named(device):
    assert resolve_device(device) == CPU


@pytest.mark.parametrize(("there", "expected"), [(True, CUDA), (False, CPU)])
def test_resolve_auto(monkeypatch, there, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert resolve_device("auto") == expected


IMAGES = build_encoder(ResNet(depth=8, width=4), (8, 8), 2)
OTHER = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())


@pytest.mark.parametrize(
    ("precision", "device", "has_bfloat16", "encoder", "expected"),
    [
        ("float32", CUDA, True, IMAGES, None),
        ("float32", CPU, True, IMAGES, None),
        ("bfloat16", CPU, False, OTHER, torch.bfloat16),
        ("auto", CPU, True, OTHER, None),
        ("auto", CPU, True, IMAGES, torch.bfloat16),
        ("auto", CPU, False, IMAGES, None),
        ("auto", CUDA, True, OTHER, torch.bfloat16),
        ("auto", CUDA, False, IMAGES, None),
        ("auto", torch.device("mps"), True, IMAGES, None),
    ],
)
def test_autocast_dtypes(monkeypatch, precision, device, has_bfloat16, encoder, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **kwargs: has_bfloat16)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_bfloat16, raising=False)
    assert autocast_dtypes(precision, device, [encoder]) == [expected]


def test_another_torch_may_not_name_the_instructions(monkeypatch):
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    assert autocast_dtypes("auto", CPU, [IMAGES]) == [None]


def test_each_encoder_has_its_precision(monkeypatch):
    """Of a fit by default on a CPU with bfloat16, images are in it, and other rows are not."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    rng = np.random.default_rng(0)
    X = {"image": rng.normal(size=(20, 8, 8)), "table": rng.normal(size=(20, 3))}
    seen = {}

    def record(module, given, output):
        seen[type(module).__name__] = getattr(output, "dtype", None)

    hooks = nn.modules.module.register_module_forward_hook(record)
    try:
        IBAligner(
            encoders={"image": ResNet(depth=8, width=4), "table": MLP((8,))},
            bottleneck=None,
            max_epochs=1,
            random_state=0,
        ).fit(X)
    finally:
        hooks.remove()
    assert (seen["Conv2d"], seen["BatchNorm1d"]) == (torch.bfloat16, torch.float32)


def test_device_without_data():
    with pytest.raises(ValueError, match="torch cannot compute on it here"):
        resolve_device("meta")
