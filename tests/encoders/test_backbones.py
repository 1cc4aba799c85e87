"""Properties of every backbone."""

import pytest
import torch
from sklearn.base import clone
from torch import nn

from mibsk.encoders import (
    MLP,
    Conv1d,
    Encoder,
    EncoderFactory,
    Frozen,
    FrozenFactory,
    Linear,
    ResNet,
    SparseMLP,
    ViT,
    factory_classes,
    make_encoder,
)

SMALL_VIT = ViT(dim=12, depth=2, heads=3)
CASES = [
    pytest.param(MLP((7, 5)), (11,), id="mlp"),
    pytest.param(MLP(()), (11,), id="mlp-no-hidden"),
    pytest.param(Linear(), (11,), id="linear"),
    pytest.param(Linear(), (3, 4), id="linear-2d"),
    pytest.param(MLP((6,), batch_norm=False), (2, 3, 4), id="mlp-3d"),
    pytest.param(ResNet(8, width=4), (9, 12), id="resnet-hw"),
    pytest.param(ResNet(8, width=4), (3, 8, 11), id="resnet-chw"),
    pytest.param(ResNet(8, width=4), (8, 11, 3), id="resnet-hwc"),
    pytest.param(SMALL_VIT, (8, 12), id="vit-hw"),
    pytest.param(SMALL_VIT, (3, 8, 12), id="vit-chw"),
    pytest.param(SMALL_VIT, (8, 12, 3), id="vit-hwc"),
    pytest.param(Conv1d((6, 8)), (5, 13), id="conv1d"),
    pytest.param(Conv1d((6, 8), kernel_size=3), (13,), id="conv1d-one-channel"),
    pytest.param(Conv1d((6, 8)), (5, 1), id="conv1d-one-frame"),
    pytest.param(SparseMLP((6,)), (20,), id="sparse"),
    pytest.param(SparseMLP((6, 5), batch_norm=False), (20,), id="sparse-no-batch-norm"),
]
N_OUTPUTS = 6


def build(factory, shape, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return factory(shape, N_OUTPUTS)


def batch(factory, shape, n, seed=1):
    generator = torch.Generator().manual_seed(seed)
    if isinstance(factory, SparseMLP):
        indices = torch.randint(shape[0], (n, 4), generator=generator)
        return indices, torch.randn(n, 4, generator=generator)
    return torch.randn(n, *shape, generator=generator)


def rows(x, index):
    return tuple(part[index] for part in x) if isinstance(x, tuple) else x[index]


@pytest.mark.parametrize(("factory", "shape"), CASES)
def test_shape_and_type(factory, shape):
    output = build(factory, shape)(batch(factory, shape, 3))
    assert output.shape == (3, N_OUTPUTS)
    assert output.dtype == torch.float32


@pytest.mark.parametrize(("factory", "shape"), CASES)
def test_gradient_reaches_every_parameter(factory, shape):
    module = build(factory, shape)
    x = batch(factory, shape, 16)
    (module(x) * torch.arange(1.0, N_OUTPUTS + 1)).square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 1e-5, name


@pytest.mark.parametrize(("factory", "shape"), CASES)
def test_eval_output_does_not_depend_on_the_batch(factory, shape):
    module = build(factory, shape)
    x = batch(factory, shape, 6)
    module(x)  # changes the running statistics from their initial values
    module.eval()
    torch.testing.assert_close(module(x)[2:4], module(rows(x, slice(2, 4))))


@pytest.mark.parametrize(("factory", "shape"), CASES)
def test_output_depends_on_every_row(factory, shape):
    x = batch(factory, shape, 3)
    z = build(factory, shape).eval()(x)
    assert torch.pdist(z).min() > 1e-4


@pytest.mark.parametrize(("factory", "shape"), CASES)
def test_a_seed_fixes_the_weights(factory, shape):
    states = [build(factory, shape, seed).state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not all(torch.equal(states[0][key], states[2][key]) for key in states[0])


@pytest.mark.parametrize(("factory", "shape"), CASES)
def test_state_dict_round_trip(factory, shape):
    x = batch(factory, shape, 5)
    source, target = build(factory, shape, 0), build(factory, shape, 1)
    source(x)
    target.load_state_dict(source.state_dict())
    assert torch.equal(source.eval()(x), target.eval()(x))


@pytest.mark.parametrize(("factory", "shape"), CASES)
def test_clone_builds_the_same_module(factory, shape):
    copy = clone(factory)
    assert copy.get_params() == factory.get_params()
    assert str(build(copy, shape)) == str(build(factory, shape))


@pytest.mark.parametrize(("factory", "shape"), CASES)
def test_output_is_the_head_of_the_features(factory, shape):
    module, x = build(factory, shape).eval(), batch(factory, shape, 3)
    encoder = Encoder(module, N_OUTPUTS)
    assert encoder.head is module[-1]
    features = encoder.features(x)
    assert features.shape == (3, module[-1].in_features)
    assert torch.equal(encoder.head(features), module(x))
    assert torch.equal(encoder.trunk(x), features)


def test_every_factory_is_listed():
    classes = {*EncoderFactory.__subclasses__(), *FrozenFactory.__subclasses__()}
    assert {*factory_classes.values(), Frozen, FrozenFactory} == classes


@pytest.mark.parametrize(("factory", "shape"), CASES)
def test_training_lowers_a_loss(factory, shape):
    module = build(factory, shape)
    x = batch(factory, shape, 8)
    target = torch.randn(8, N_OUTPUTS, generator=torch.Generator().manual_seed(2))
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(module(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mlp", (10,)),
        ("linear", (10,)),
        ("resnet20", (16, 16)),
        ("resnet32", (3, 16, 16)),
        ("resnet44", (16, 16, 3)),
        ("resnet56", (8, 8)),
        ("resnet110", (8, 8)),
        ("vit-tiny", (16, 16, 3)),
        ("conv1d", (40, 64)),
    ],
)
def test_registered_names(name, shape):
    encoder = Encoder(make_encoder(name, shape, 4), 4)
    assert encoder(torch.zeros(2, *shape)).shape == (2, 4)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (MLP(hidden=(8, 0)), "hidden holds 0"),
        (MLP(hidden=(8.0,)), "hidden holds 8.0"),
        (MLP(hidden=(True,)), "hidden holds True"),
        (MLP(hidden=8), "'hidden' parameter of MLP"),
        (MLP(dropout=1.0), "'dropout' parameter of MLP"),
        (MLP(batch_norm="yes"), "'batch_norm' parameter of MLP"),
        (ResNet(21), r"depth=21: expected 6n \+ 2, such as 20 or 26"),
        (ResNet(2), "'depth' parameter of ResNet"),
        (ResNet(width=0), "'width' parameter of ResNet"),
        (ViT(patch_size=5), "patch_size=5 does not divide images of 16x16"),
        (ViT(dim=64, heads=3), "dim=64 is not a multiple of heads=3"),
        (ViT(depth=0), "'depth' parameter of ViT"),
        (ViT(mlp_ratio=0.0), "'mlp_ratio' parameter of ViT"),
        (Conv1d(()), "channels is empty"),
        (Conv1d((4, -1)), "channels holds -1"),
        (Conv1d(kernel_size=4), "kernel_size=4 is even"),
        (Conv1d(dropout=-0.1), "'dropout' parameter of Conv1d"),
    ],
)
def test_bad_parameters(factory, message):
    with pytest.raises(ValueError, match=message):
        factory(input_shape=(16, 16), n_outputs=4)


@pytest.mark.parametrize(
    ("input_shape", "n_outputs", "message"),
    [
        ((), 4, "input_shape is empty"),
        ((0,), 4, "input_shape holds 0"),
        ((5,), 0, "n_outputs holds 0"),
        ((5,), 2.5, "n_outputs holds 2.5"),
    ],
)
def test_bad_sizes(input_shape, n_outputs, message):
    with pytest.raises(ValueError, match=message):
        MLP()(input_shape, n_outputs)


def test_conv1d_refuses_images():
    with pytest.raises(ValueError, match=r"Conv1d got rows of shape \(3, 8, 8\)"):
        Conv1d()((3, 8, 8), 4)


def test_sparse_mlp_needs_a_hidden_layer():
    with pytest.raises(ValueError, match="hidden is empty"):
        SparseMLP(hidden=())((9,), 4)


def test_sparse_mlp_refuses_images():
    with pytest.raises(ValueError, match=r"rows of shape \(8, 8\): expected \(n_features,\)"):
        SparseMLP()((8, 8), 4)
