"""Tensors are converted to arrays, or refused by name."""

import numpy as np
import pytest
import torch

from mibsk._checks.tensors import is_tensor, tensor_to_array

DTYPES = [
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.int64,
    torch.bool,
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_values_are_kept(dtype):
    values = [[0.0, 1.0], [1.0, 1.0]]
    assert tensor_to_array("X", torch.tensor(values).to(dtype)).tolist() == values


def test_gradient_and_lazy_conjugate():
    assert tensor_to_array("X", torch.ones(2, requires_grad=True)).tolist() == [1, 1]
    assert tensor_to_array("X", torch.tensor([1 + 2j]).conj()).tolist() == [1 - 2j]
    assert tensor_to_array("X", torch.tensor([1 + 2j]).conj().imag).tolist() == [-2]


def test_memory_is_shared():
    X = torch.zeros(3)
    assert np.shares_memory(tensor_to_array("X", X), X.numpy())


@pytest.mark.parametrize(
    "X",
    [
        torch.eye(2).to_sparse(),
        torch.eye(2).to_sparse().to(torch.complex64),
        torch.ones(2, device="meta"),
    ],
    ids=["sparse", "sparse complex", "meta"],
)
def test_refuses(X):
    with pytest.raises(TypeError, match=r"Z must be a dense tensor, got one of torch\.\w+ and"):
        tensor_to_array("Z", X)


def test_other_objects_are_not_tensors():
    assert is_tensor(torch.ones(1))
    assert not any(map(is_tensor, (np.ones(1), [1.0], None, "detach")))
