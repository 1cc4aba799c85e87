"""Flat rows of dense, sparse and frozen modalities, of which a loss takes similarities."""

import numpy as np
import torch
from torch import nn

from mibsk.encoders import Encoder, Frozen, InputScaling, flat_inputs


def test_dense_rows_are_scaled_and_flattened():
    X = np.arange(24.0).reshape(2, 3, 4)
    scaling = InputScaling([1.0], [2.0])
    rows = flat_inputs(Encoder(nn.Identity(), 4, scaling=scaling), torch.from_numpy(X))
    np.testing.assert_array_equal(rows, (X.reshape(2, 12) - 1) / 2)
    assert rows.dtype == torch.float32


def test_bytes_without_scaling_become_float32():
    X = torch.tensor([[1, 255]], dtype=torch.uint8)
    rows = flat_inputs(Encoder(nn.Identity(), 2), X)
    assert rows.dtype == torch.float32
    assert rows.tolist() == [[1, 255]]


def test_sparse_rows_have_the_inner_products_of_dense_ones():
    dense = torch.zeros(3, 50)
    dense[0, [2, 49]], dense[1, 49], dense[2, 7] = torch.tensor([1.0, 2.0]), 3.0, 4.0
    indices = torch.tensor([[2, 49], [49, 0], [7, 0]])  # padded with index 0 and value 0
    values = torch.tensor([[1.0, 2.0], [3.0, 0.0], [4.0, 0.0]])
    rows = flat_inputs(Encoder(nn.Identity(), 2), (indices, values))
    assert rows.shape == (3, 4)
    torch.testing.assert_close(rows @ rows.T, dense @ dense.T)


def test_values_of_repeated_indices_are_added():
    rows = flat_inputs(
        Encoder(nn.Identity(), 2), (torch.tensor([[5, 5]]), torch.tensor([[1.0, 2.0]]))
    )
    assert rows.tolist() == [[3.0]]


def test_rows_of_a_frozen_tower_are_its_features():
    tower = nn.Sequential(nn.Flatten(), nn.Linear(12, 7), nn.Tanh())
    encoder = Encoder(Frozen(tower)((3, 4), 2), 2)
    X = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
    rows = flat_inputs(encoder, X)
    torch.testing.assert_close(rows, tower(X).detach())
    assert not rows.requires_grad
