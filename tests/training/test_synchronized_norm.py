"""Batch normalisation over processes, in a group of one, is that of torch."""

import copy

import numpy as np
import pytest
import torch
from torch import distributed, nn

from mibsk.training._synchronized_norm import has_batch_norm, synchronize, undo


@pytest.fixture
def group(tmp_path):
    distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1
    )
    yield
    distributed.destroy_process_group()


@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"affine": False}])
@pytest.mark.parametrize("shape", [(12, 5), (12, 5, 3, 2)])
def test_it_is_that_of_torch(group, shape, options):
    torch.manual_seed(0)
    layer = nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d
    plain = nn.Sequential(layer(5, **options), nn.ReLU(), layer(5, **options)).double()
    joint = copy.deepcopy(plain)
    assert has_batch_norm(joint)
    synchronize(joint)
    for _ in range(3):
        x = torch.randn(shape, dtype=torch.float64) * 2 + 3
        own, other = (x.clone().requires_grad_() for _ in range(2))
        for net, rows in ((plain, own), (joint, other)):
            (net(rows) ** 3).sum().backward()
        torch.testing.assert_close(other.grad, own.grad)
        for a, b in zip(joint.parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.grad)
        for a, b in zip(joint.buffers(), plain.buffers(), strict=True):
            torch.testing.assert_close(a, b)
    torch.testing.assert_close(joint.eval()(x), plain.eval()(x))
    undo(joint)
    assert all("forward" not in vars(part) for part in joint.modules())


def test_a_group_of_one_process_trains_as_no_group(group):
    from mibsk import IBAligner

    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(60, 4))
    X = {name: hidden + 0.1 * rng.normal(size=(60, 4)) for name in "ab"}
    joint = IBAligner(max_epochs=2, random_state=0).fit(X).embed(X)
    distributed.destroy_process_group()
    alone = IBAligner(max_epochs=2, random_state=0).fit(X).embed(X)
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    for name in X:
        np.testing.assert_array_equal(joint[name], alone[name])
