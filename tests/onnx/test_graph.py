"""Graphs written from the layers of an encoder: the same function, whatever is in it."""

import numpy as np
import pytest
import torch
from torch import nn

from mibsk.data import InputSpec
from mibsk.encoders import (
    ClosedForm,
    Frozen,
    InputScaling,
    Projection,
    ResNet,
    build_encoder,
    encoder_names,
)
from mibsk.onnx._export import _to_onnx
from mibsk.onnx._graph import UnknownLayerError, encoder_graph
from mibsk.onnx._parity import prove_parity, random_inputs
from mibsk.onnx._session import CPU, open_session

pytest.importorskip("onnxruntime")

SHAPES = {"conv1d": (3, 17), "sparse": (40,), "vit-tiny": (8, 8)}
TRACED = {"attention-pool", "vit-tiny"}
DEEPER = {"resnet32", "resnet44", "resnet56", "resnet110"}  # the layers of resnet20


def spec_of(shape, *, sparse=False, dtype="float32"):
    return InputSpec("a", "sparse" if sparse else "dense", shape, dtype)


def built(network, shape, *, sparse=False, dtype="float32", **kwargs):
    """Return an encoder whose batch normalisations have moments of data."""
    torch.manual_seed(0)
    encoder = build_encoder(network, shape, 6, sparse=sparse, dtype=dtype, **kwargs)
    rng = np.random.default_rng(0)
    for _ in range(2):
        arrays = random_inputs(spec_of(shape, sparse=sparse, dtype=dtype), encoder, 30, rng)
        tensors = tuple(map(torch.from_numpy, arrays))
        with torch.no_grad():
            encoder(tensors if sparse else tensors[0])
    return encoder.eval()


def graph_of(encoder, spec):
    example = random_inputs(spec, encoder, 3, np.random.default_rng(0))
    return encoder_graph(encoder, spec, tuple(map(torch.from_numpy, example)))


def largest_error(encoder, spec, tmp_path):
    """Return the largest difference of an encoder from the graph that is written for it."""
    path = tmp_path / "encoder.onnx"
    path.write_bytes(graph_of(encoder, spec).SerializeToString())
    return prove_parity(open_session(path, [CPU], 1), spec, encoder).worst


@pytest.mark.parametrize("name", sorted(set(encoder_names()) - TRACED - DEEPER))
@pytest.mark.parametrize("probabilistic", [False, True])
def test_every_registered_encoder(name, probabilistic, tmp_path):
    shape = SHAPES.get(name, (3, 8, 8) if name == "resnet20" else (7,))
    sparse = name == "sparse"
    encoder = built(name, shape, sparse=sparse, probabilistic=probabilistic)
    assert largest_error(encoder, spec_of(shape, sparse=sparse), tmp_path) < 2e-6


@pytest.mark.parametrize("shape", [(9, 10), (9, 10, 3), (2, 9, 10)])
def test_images_of_every_layout(shape, tmp_path):
    scaling = InputScaling(np.full((1,) * len(shape), 100.0), np.full((1,) * len(shape), 50.0))
    encoder = built(ResNet(20, width=4), shape, dtype="uint8", scaling=scaling)
    assert largest_error(encoder, spec_of(shape, dtype="uint8"), tmp_path) < 2e-6


def test_a_series(tmp_path):
    assert largest_error(built("conv1d", (17,)), spec_of((17,)), tmp_path) < 2e-6


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("alpha", [0.7, np.inf])
@pytest.mark.parametrize("projected", [False, True])
def test_with_bottleneck_and_closed_form(sparse, alpha, projected, tmp_path):
    shape = (11,)
    encoder = built("sparse" if sparse else "mlp", shape, sparse=sparse)
    if not sparse:
        encoder.scaling = InputScaling(np.arange(11.0), np.arange(1.0, 12))
    rng = np.random.default_rng(0)
    encoder.bottleneck = Projection(rng.normal(size=(4, 6)), rng.normal(size=4))
    weight = rng.normal(size=(11, 3) if sparse else (3, 11))
    projection = Projection(rng.normal(size=(2, 7)), np.zeros(2)) if projected else None
    encoder.closed_form = ClosedForm(weight, rng.normal(size=3), alpha, projection)
    assert largest_error(encoder, spec_of(shape, sparse=sparse), tmp_path) < 2e-6


def test_a_frozen_tower_and_common_layers(tmp_path):
    tower = nn.Sequential(
        nn.BatchNorm1d(3),  # with no layer before
        nn.Conv1d(3, 4, 3, dilation=2, padding=2, groups=1),
        nn.Tanh(),
        nn.Linear(10, 5),  # of rows with two axes
        nn.Flatten(),
        nn.Sigmoid(),
        nn.Identity(),
    )
    for part in tower.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.running_mean.normal_()
            part.running_var.uniform_(1, 2)
    encoder = built(Frozen(tower), (3, 10))
    assert largest_error(encoder, spec_of((3, 10)), tmp_path) < 2e-6


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ([nn.Linear(4, 5), nn.BatchNorm1d(3)], (3, 4)),
        ([nn.Linear(4, 3), nn.BatchNorm1d(3)], (3, 4)),  # as many features as channels
        ([nn.Linear(4, 5), nn.BatchNorm1d(5, affine=False)], (4,)),
        ([nn.Conv1d(3, 5, 2), nn.BatchNorm1d(5, affine=False)], (3, 4)),
        ([nn.Linear(4, 5), nn.BatchNorm1d(5), nn.BatchNorm1d(5)], (4,)),
    ],
    ids=["channels", "as many channels", "not affine", "convolution", "two norms"],
)
def test_normalisation_after_a_layer(tmp_path, layers, shape):
    for part in layers:
        if isinstance(part, nn.BatchNorm1d):
            part.running_mean.normal_()
            part.running_var.uniform_(1, 2)
    encoder = built(Frozen(nn.Sequential(*layers, nn.Flatten())), shape)
    assert largest_error(encoder, spec_of(shape), tmp_path) < 2e-6


class Shifted(nn.Linear):
    """A layer whose class is derived from a known one."""

    def forward(self, x):
        return super().forward(x) + 1


def hooked(layer):
    layer.register_forward_hook(lambda module, inputs, output: output + 1)
    return layer


def patched(layer):
    layer.forward = lambda x: nn.functional.linear(x, layer.weight) + 1
    return layer


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Shifted(7, 6),
        lambda: hooked(nn.Linear(7, 6)),
        lambda: patched(nn.Linear(7, 6)),
        lambda: nn.Sequential(nn.Linear(7, 6), nn.Softplus()),
        lambda: torch.nn.utils.parametrizations.weight_norm(nn.Linear(7, 6)),
        lambda: nn.Sequential(
            nn.Unflatten(1, (7, 1)), nn.Flatten(2), nn.Flatten(), nn.Linear(7, 6)
        ),
        # rows are channels there
        lambda: nn.Sequential(
            nn.Unflatten(1, (7, 1)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 6)
        ),
    ],
    ids=["derived", "hook", "patched", "unknown", "parametrized", "flatten from axis 2", "pool"],
)
def test_other_layers_are_traced(layer, tmp_path):
    encoder, spec = built(layer(), (7,)), spec_of((7,))
    with pytest.raises(UnknownLayerError):
        graph_of(encoder, spec)
    _to_onnx(encoder, spec, tmp_path / "encoder.onnx")
    assert (
        prove_parity(open_session(tmp_path / "encoder.onnx", [CPU], 1), spec, encoder).worst < 1e-5
    )
