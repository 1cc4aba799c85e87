import pytest
import torch
from torch import nn

from mibsk.encoders import (
    MLP,
    ResNet,
    SparseMLP,
    auto_encoder,
    encoder_names,
    make_encoder,
    register_encoder,
)
from mibsk.encoders import _registry as registry


@pytest.fixture
def _own_registry(monkeypatch):
    monkeypatch.setattr(registry, "factories", dict(registry.factories))


def test_names_are_sorted_and_complete():
    names = encoder_names()
    assert names == sorted(names)
    assert {"mlp", "resnet20", "resnet32", "resnet44", "resnet56", "resnet110"} <= set(names)
    assert {"vit-tiny", "conv1d", "sparse", "linear"} <= set(names)


@pytest.mark.parametrize(
    ("shape", "sparse", "name"),
    [
        ((1000,), True, "sparse"),
        ((1000,), False, "mlp"),
        ((1,), False, "mlp"),
        ((8, 8), False, "mlp"),
        ((16, 16), False, "mlp"),
        ((2, 4, 4, 8), False, "mlp"),
        ((17, 17), False, "resnet20"),
        ((28, 28), False, "resnet20"),
        ((40, 64), False, "conv1d"),
        ((1, 8000), False, "conv1d"),
        ((3, 32, 32), False, "resnet20"),
        ((32, 40, 3), False, "resnet20"),
    ],
)
def test_auto_encoder(shape, sparse, name):
    assert auto_encoder(shape, sparse) == name
    with_dropout = {"mlp": MLP(dropout=0.1), "sparse": SparseMLP(dropout=0.1)}
    expected = str(make_encoder(with_dropout.get(name, name), shape, 4, sparse=sparse))
    for spec in ("auto", "network"):
        assert str(make_encoder(spec, shape, 4, sparse=sparse)) == expected


def test_auto_encoder_refuses_ambiguous_shapes():
    with pytest.raises(ValueError, match="Cannot tell the channel axis"):
        auto_encoder((20, 20, 20), sparse=False)
    with pytest.raises(ValueError, match=r"rows of shape \(10, 3, 32, 32\)"):
        auto_encoder((10, 3, 32, 32), sparse=False)
    with pytest.raises(ValueError, match=r"rows of shape \(\)"):
        auto_encoder((), sparse=False)


def test_misspelt_name():
    with pytest.raises(ValueError, match=r"'resnet-20'\. Did you mean 'resnet20'\? Known: .*mlp"):
        make_encoder("resnet-20", (8, 8), 4)
    with pytest.raises(ValueError, match=r"named 'zzz'\. Known: "):
        make_encoder("zzz", (8, 8), 4)


@pytest.mark.parametrize("spec", [None, 3, ("mlp",), {"image": "mlp"}])
def test_wrong_type(spec):
    with pytest.raises(TypeError, match=r"expected a registered name, an nn\.Module or a callable"):
        make_encoder(spec, (8,), 4)


def test_class_instead_of_instance():
    with pytest.raises(TypeError, match=r"Got the class MLP: pass an instance, MLP\(\)"):
        make_encoder(MLP, (8,), 4)


class OneArgument(nn.Module):
    def __init__(self, dim):
        super().__init__()


@pytest.mark.parametrize(
    ("spec", "signature"),
    [
        (OneArgument, r"\(dim\)"),
        (lambda shape: nn.Linear(*shape, 4), r"\(shape\)"),
        (lambda input_shape, n_outputs, n_layers: None, r"\(input_shape, n_outputs, n_layers\)"),
    ],
)
def test_factory_with_another_signature(spec, signature):
    message = rf"has the signature {signature}: expected \(input_shape, n_outputs\)"
    with pytest.raises(TypeError, match=message):
        make_encoder(spec, (8,), 4)
    with pytest.raises(TypeError, match=message):
        register_encoder("net", spec)
    assert "net" not in encoder_names()


def test_factory_that_cannot_use_its_arguments():
    with pytest.raises(TypeError, match=r"Linear'> failed for input_shape=\(8,\) and n_outputs=4"):
        make_encoder(nn.Linear, (8,), 4)


def test_factory_without_a_readable_signature(monkeypatch):
    def unreadable(factory):
        raise ValueError

    monkeypatch.setattr(registry.inspect, "signature", unreadable)
    assert isinstance(make_encoder(lambda shape, n: nn.Linear(*shape, n), (3,), 2), nn.Linear)


def test_factory_that_does_not_return_a_module():
    with pytest.raises(TypeError, match="returned a Tensor: expected"):
        make_encoder(lambda shape, n: torch.zeros(n), (8,), 4)


def test_encoder_for_the_other_kind_of_rows():
    with pytest.raises(ValueError, match="'mlp' cannot read sparse rows: choose 'sparse'"):
        make_encoder("mlp", (8,), 4, sparse=True)
    with pytest.raises(ValueError, match="cannot read dense rows: choose 'mlp'"):
        make_encoder(SparseMLP(), (8,), 4)


def test_module_is_copied():
    module = nn.Linear(3, 2)
    copy = make_encoder(module, (3,), 2)
    assert copy is not module
    assert torch.equal(copy.weight, module.weight)
    with torch.no_grad():
        copy.weight.zero_()
    assert module.weight.abs().sum() > 0


def test_any_callable_is_a_factory():
    class Net(nn.Linear):
        def __init__(self, input_shape, n_outputs):
            super().__init__(*input_shape, n_outputs)

    assert make_encoder(Net, (3,), 2).weight.shape == (2, 3)
    assert make_encoder(lambda shape, n: nn.Linear(*shape, n), (3,), 2).weight.shape == (2, 3)


@pytest.mark.usefixtures("_own_registry")
def test_register():
    register_encoder("wide", ResNet(8, width=32))
    assert "wide" in encoder_names()
    assert make_encoder("wide", (8, 8), 4)[-1].in_features == 128
    with pytest.raises(ValueError, match="'wide' exists: choose another name, or pass overwrite"):
        register_encoder("wide", MLP())
    register_encoder("wide", MLP((7,)), overwrite=True)
    assert make_encoder("wide", (8, 8), 4)[-1].in_features == 7


@pytest.mark.usefixtures("_own_registry")
@pytest.mark.parametrize(
    ("name", "factory", "error", "message"),
    [
        ("auto", MLP(), ValueError, "'auto' is reserved"),
        (3, MLP(), TypeError, "name is a int"),
        ("net", "mlp", TypeError, "Got 'mlp' as an encoder"),
        ("net", nn.Linear(2, 2), TypeError, "Got Linear"),
        ("net", MLP, TypeError, "Got the class MLP"),
    ],
)
def test_register_refuses(name, factory, error, message):
    with pytest.raises(error, match=message):
        register_encoder(name, factory)
    assert "net" not in encoder_names()
