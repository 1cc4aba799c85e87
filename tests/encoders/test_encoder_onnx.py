"""Every backbone exports to ONNX, with a dynamic batch size and the same embeddings."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.export import Dim

from mibsk.encoders import MLP, Conv1d, Encoder, Frozen, InputScaling, ResNet, SparseMLP, ViT

onnxruntime = pytest.importorskip("onnxruntime")

pytestmark = [
    pytest.mark.slow,
    # torch's exporter calls deprecated functions of its own
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
N_COMPONENTS = 5


def run_exported(encoder, example, dynamic_shapes, batches, folder):
    """Export `encoder`; return the output of onnxruntime for each batch of numpy inputs."""
    program = torch.onnx.export(
        encoder.eval(),
        (example,),
        dynamo=True,
        dynamic_shapes=(dynamic_shapes,),
        external_data=False,
        verbose=False,
    )
    path = folder / "encoder.onnx"
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.get_outputs()[0].shape == ["batch", N_COMPONENTS]
    names = [entry.name for entry in session.get_inputs()]
    return [session.run(None, dict(zip(names, batch, strict=True)))[0] for batch in batches]


TOWER = nn.Sequential(
    nn.Conv1d(5, 4, 3), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.AdaptiveAvgPool1d(1), nn.Flatten()
)


@pytest.mark.parametrize("probabilistic", [False, True])
@pytest.mark.parametrize(
    ("factory", "shape"),
    [
        pytest.param(MLP((8,)), (6,), id="mlp"),
        pytest.param(ResNet(8, width=4), (9, 9), id="resnet-hw"),
        pytest.param(ResNet(8, width=4), (9, 12, 3), id="resnet-hwc"),
        pytest.param(ViT(dim=12, depth=2), (3, 8, 12), id="vit"),
        pytest.param(Conv1d((6, 8)), (5, 13), id="conv1d"),
        pytest.param(Conv1d((6, 8)), (13,), id="conv1d-one-channel"),
        pytest.param(Frozen(TOWER), (5, 13), id="frozen"),
    ],
)
def test_dense(factory, shape, probabilistic, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(2, 3, size=(32, *shape)).astype(np.float32)
    backbone = factory(shape, N_COMPONENTS * (1 + probabilistic))
    encoder = Encoder(
        backbone,
        N_COMPONENTS,
        scaling=InputScaling.from_array(X),
        probabilistic=probabilistic,
    )
    encoder(torch.from_numpy(X))  # running statistics
    batches = [(X[:1],), (X[-7:],)]
    shapes = {0: Dim("batch")}
    outputs = run_exported(encoder, torch.from_numpy(X[:3]), shapes, batches, tmp_path)
    for (batch,), output in zip(batches, outputs, strict=True):
        expected = encoder(torch.from_numpy(batch)).detach().numpy()
        np.testing.assert_allclose(output, expected, atol=5e-6)


# indices and values share both axes, and their names
@pytest.mark.filterwarnings("ignore:# The axis name:UserWarning")
def test_sparse(tmp_path):
    encoder = Encoder(SparseMLP((8,))((30,), N_COMPONENTS), N_COMPONENTS).eval()
    rng = np.random.default_rng(0)

    def rows(n, n_entries):
        return (
            rng.integers(30, size=(n, n_entries)),
            rng.normal(size=(n, n_entries)).astype(np.float32),
        )

    example = tuple(map(torch.from_numpy, rows(3, 4)))
    free = {0: Dim("batch"), 1: Dim("n_entries")}
    batches = [rows(1, 2), rows(7, 9)]
    outputs = run_exported(encoder, example, (free, free), batches, tmp_path)
    for batch, output in zip(batches, outputs, strict=True):
        expected = encoder(tuple(map(torch.from_numpy, batch))).detach().numpy()
        np.testing.assert_allclose(output, expected, atol=5e-6)
