"""Pretrained towers with fixed weights."""

import copy

import pytest
import torch
from sklearn.base import clone
from torch import nn

from mibsk.encoders import (
    Encoder,
    Frozen,
    FrozenTrunk,
    InputScaling,
    build_encoder,
    frozen_names,
    make_encoder,
    register_encoder,
    scales_input,
)
from mibsk.encoders import _registry as registry


@pytest.fixture
def tower():
    """Layers whose output or state depends on the mode."""
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))


def train(module, x, n_steps=3):
    """Take steps on the trainable weights; return the module."""
    module.train()
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1)
    for _ in range(n_steps):
        optimizer.zero_grad()
        module(x)[:, 0].sum().backward()
        optimizer.step()
    return module


def test_training_changes_the_head_alone(tower):
    before = copy.deepcopy(tower.state_dict())
    encoder = build_encoder(Frozen(tower), (2, 3), 5)
    head = encoder.head.weight.clone()
    train(encoder, torch.randn(8, 2, 3))
    assert not torch.equal(encoder.head.weight, head)
    for name, value in encoder.backbone[0].tower.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_features_are_the_output_of_the_tower_in_eval_mode(tower):
    encoder = build_encoder(Frozen(tower), (2, 3), 5)
    x = torch.randint(9, (7, 2, 3))
    features = encoder.train().features(x)
    assert torch.equal(features, tower.eval()(x.float()))
    assert not features.requires_grad
    assert features.shape == (7, 4)


def test_mode(tower):
    trunk = FrozenTrunk(tower)
    parent = nn.Sequential(trunk, nn.Linear(4, 2)).eval().train()
    assert parent.training
    assert not any(module.training for module in trunk.modules())


def test_the_tower_that_was_passed_stays_as_it_is(tower):
    Frozen(tower)((2, 3), 5)
    assert tower.training
    assert all(weight.requires_grad for weight in tower.parameters())


def test_frozen_names(tower):
    encoder = build_encoder(Frozen(tower), (6,), 5, scaling=InputScaling([0.0], [1.0]))
    state = encoder.state_dict()
    assert set(state) - frozen_names(encoder) == {"backbone.1.weight", "backbone.1.bias"}
    assert frozen_names(encoder) <= set(state)
    assert frozen_names(FrozenTrunk(nn.Linear(2, 2))) == {"tower.weight", "tower.bias"}
    assert frozen_names(make_encoder("mlp", (6,), 5)) == set()


def test_get_params_and_clone(tower):
    factory = Frozen(tower)
    assert factory.get_params() == {"tower": tower, "scale_inputs": False, "cache": None}
    other = clone(factory).set_params(scale_inputs=True)
    assert other.tower is not tower
    x = torch.randn(3, 6)
    outputs = []
    for each in (factory, other):
        torch.manual_seed(0)
        outputs.append(each((6,), 5)(x))
    assert torch.equal(*outputs)


def test_input_scaling(tower, monkeypatch):
    monkeypatch.setattr(registry, "factories", dict(registry.factories))
    register_encoder("raw", Frozen(tower))
    raw, scaled = Frozen(tower), Frozen(tower, scale_inputs=True)
    assert [scales_input(spec) for spec in (raw, "raw", scaled)] == [False, False, True]
    assert all(scales_input(spec) for spec in ("auto", "mlp", tower, lambda shape, n: tower))
    scaling = InputScaling([0.0], [2.0])
    found = [build_encoder(s, (6,), 5, scaling=scaling).scaling for s in (raw, "raw", scaled)]
    assert found == [None, None, scaling]


class TestBadTower:
    @pytest.mark.parametrize("tower", [nn.Linear(3, 2), nn.Embedding(3, 2), nn.Bilinear(5, 5, 2)])
    def test_that_cannot_read_the_rows(self, tower):
        with pytest.raises(ValueError, match=r"tower of Frozen cannot read rows of shape \(5,\): "):
            Frozen(tower)((5,), 4)

    @pytest.mark.parametrize(
        ("tower", "got"),
        [
            (nn.Unflatten(1, (1, 5)), r"\(2, 1, 5\)"),
            (nn.Flatten(0), r"\(10,\)"),
            (nn.LSTM(5, 3), "tuple"),
            (nn.Unflatten(0, (1, 2)), r"\(1, 2, 5\)"),
        ],
    )
    def test_that_gives_no_features(self, tower, got):
        with pytest.raises(ValueError, match=rf"returned {got} for 2 rows: expected a Tensor of"):
            Frozen(tower)((5,), 4)

    def test_that_is_not_a_module(self):
        with pytest.raises(ValueError, match="'tower' parameter of Frozen must be an instance of"):
            Frozen("resnet20")((5,), 4)

    def test_sparse_rows(self, tower):
        with pytest.raises(ValueError, match=r"(?s)Frozen\(.* cannot read sparse rows"):
            make_encoder(Frozen(tower), (6,), 4, sparse=True)


def test_probabilistic(tower):
    encoder = build_encoder(Frozen(tower), (6,), 5, probabilistic=True)
    mean, log_var = encoder.distribution(torch.randn(3, 6))
    assert mean.shape == log_var.shape == (3, 5)
    assert isinstance(encoder, Encoder)
