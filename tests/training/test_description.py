"""Descriptions of modules: other settings change them, another process does not."""

import functools
import inspect
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest
import torch
from torch import nn

from mibsk.data import digest
from mibsk.encoders import ViT
from mibsk.training._description import describe, describe_module


class Kind(Enum):
    ONE = 1
    OTHER = 2


@dataclass
class Config:
    name: str = "one"
    function: object = torch.relu


class Layer(nn.Module):
    """A module of a user, whose settings neither `repr` nor the state dict shows."""

    def __init__(self, setting=None):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.setting = setting


class Derived(Layer):
    """The same with another base class."""


def hook(module, inputs, output):
    return -output


def other_hook(module, inputs, output):
    return 2 * output


def times(factor):
    return lambda x: factor * x


def to_power(x, power=2):
    return x**power


def to_power_of(power):
    def to_power(x, power=power):
        return x**power

    return to_power


def of(module):
    return digest(describe_module(module))


def layer(setting=None):
    torch.manual_seed(0)
    return Layer(setting)


SETTINGS = {
    "number": (1, 2),
    "text": ("one", "other"),
    "function": (torch.relu, torch.tanh),
    "function of a user": (hook, other_hook),
    "closure": (times(2), times(3)),
    "default": (to_power_of(2), to_power_of(3)),
    "partial": (functools.partial(to_power, power=2), functools.partial(to_power, power=3)),
    "functions": ([torch.relu, torch.tanh], [torch.relu, torch.sin]),
    "functions by name": ({"a": torch.relu}, {"a": torch.tanh}),
    "class": (nn.ReLU, nn.Tanh),
    "enum": (Kind.ONE, Kind.OTHER),
    "dtype": (torch.float32, torch.bfloat16),
    "set": ({"a", "b"}, {"a", "c"}),
    "object": (Config(), Config("other")),
    "function of an object": (Config(), Config(function=torch.tanh)),
    "tensor": (torch.zeros(3000), torch.zeros(3000).index_fill(0, torch.tensor(1500), 1.0)),
}


@pytest.mark.parametrize(("one", "other"), SETTINGS.values(), ids=list(SETTINGS))
def test_another_setting(one, other):
    assert of(layer(one)) == of(layer(one))
    assert of(layer(one)) != of(layer(other))


def test_other_layers_of_torch():
    def encoder(**params):
        torch.manual_seed(0)
        return nn.TransformerEncoderLayer(4, **{"nhead": 2, "dim_feedforward": 8, **params})

    changes = [
        {"norm_first": True},
        {"batch_first": True},
        {"activation": "gelu"},
        {"activation": nn.functional.elu},
        {"nhead": 4},
    ]
    found = [of(encoder(**params)) for params in [{}, *changes]]
    assert found == list(dict.fromkeys(found))
    assert found[0] == of(encoder())


def test_heads_of_a_vit():
    def encoder(heads):
        torch.manual_seed(0)
        return ViT(dim=12, depth=1, heads=heads)((8, 8, 3), 4)

    one, other = encoder(2), encoder(3)
    assert repr(one) == repr(other)
    assert of(one) != of(other)


def change_hook(module):
    module.linear.register_forward_hook(hook)


def change_backward_hook(module):
    module.register_full_backward_hook(hook)


def change_buffer(module):
    module.register_buffer("hidden", torch.zeros(2), persistent=False)


def change_what_is_trained(module):
    module.linear.bias.requires_grad_(False)


def change_private(module):
    module._scale = 2.0


def change_weight(module):
    module.linear.bias.data[2] += 1e-6


@pytest.mark.parametrize(
    "change",
    [
        change_hook,
        change_backward_hook,
        change_buffer,
        change_what_is_trained,
        change_private,
        change_weight,
    ],
)
def test_another_state(change):
    module = layer()
    change(module)
    assert of(module) != of(layer())


def test_shared_weights():
    torch.manual_seed(0)
    shared = nn.Linear(3, 3)
    alone = nn.Linear(3, 3)
    alone.load_state_dict(shared.state_dict())
    assert of(nn.Sequential(shared, shared)) != of(nn.Sequential(shared, alone))


def test_source_of_a_class_and_its_bases(monkeypatch):
    torch.manual_seed(0)
    before = of(Derived())
    getsource = inspect.getsource
    for part in (Layer, Derived):
        with monkeypatch.context() as patch:
            patch.setattr(
                "mibsk.training._description.inspect.getsource",
                lambda asked: getsource(asked) + "#" * (asked is part),  # noqa: B023
            )
            torch.manual_seed(0)
            assert of(Derived()) != before
    torch.manual_seed(0)
    assert of(Derived()) == before


def test_mode_and_device_do_not_count():
    module = layer(torch.device("cpu"))
    assert of(layer(torch.device("cuda:1"))) == of(module)
    assert of(module.eval()) == of(layer(torch.device("cpu")))


def test_an_object_is_described_inside_only_if_asked():
    assert describe(Config()) == describe(Config("other"))
    assert describe(Config(), inside=True) != describe(Config("other"), inside=True)


def test_another_process():
    code = (
        "from tests.training.test_description import *\n"
        "for one, _ in SETTINGS.values(): print(of(layer(one)))"
    )
    run = [sys.executable, "-c", code]
    printed = [
        subprocess.run(
            run, cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    ]
    expected = [of(layer(one)) for one, _ in SETTINGS.values()]
    assert printed[0] == printed[1]
    assert printed[0].splitlines() == expected
