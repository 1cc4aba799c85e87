"""Where training runs, in which precision, and with which random numbers."""

import pytest
import torch

from mibsk.training._devices import autocast_dtype, resolve_device, seeded

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


def test_seeded_draws_alike_and_restores_the_generator():
    state = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with seeded(3, CPU):
            drawn.append(torch.rand(4))
    assert torch.equal(*drawn)
    assert torch.equal(torch.get_rng_state(), state)


def test_seeded_restores_the_generator_after_an_error():
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="size"), seeded(3, CPU):
        torch.rand(4) + torch.rand(5)
    assert torch.equal(torch.get_rng_state(), state)


def test_seeded_keeps_cudnn_and_holds_it_to_deterministic_algorithms():
    cudnn = torch.backends.cudnn
    before = cudnn.enabled, cudnn.deterministic, cudnn.benchmark
    with seeded(3, CPU):
        assert (cudnn.enabled, cudnn.deterministic, cudnn.benchmark) == (before[0], True, False)
    assert (cudnn.enabled, cudnn.deterministic, cudnn.benchmark) == before


def test_device_without_data():
    with pytest.raises(ValueError, match="torch cannot compute on it here"):
        resolve_device("meta")
