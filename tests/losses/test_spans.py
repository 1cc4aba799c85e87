"""Spans of embeddings: ridge projections, volumes, nearly equal embeddings."""

import pytest
import torch

from mibsk.losses._spans import safe_sqrt, span


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("ridge", [1e-6, 0.5])
def test_naive_reference(unit_rows, k, ridge):
    items, z = [unit_rows(seed) for seed in range(k)], unit_rows(9)
    found = span(items, ridge)
    coordinates = found.coordinates(z)
    for j in range(len(z)):
        A = torch.stack([w[j] for w in items])
        inner = A @ A.T + ridge * torch.eye(k, dtype=A.dtype)
        P = A.T @ torch.linalg.inv(inner) @ A
        B, T = found.basis[j], found.shrinkage[j]
        torch.testing.assert_close(B.T @ B, P)
        torch.testing.assert_close(B @ B.T, torch.eye(k, dtype=A.dtype) - T.T @ T)
        torch.testing.assert_close(found.volume[j], torch.linalg.det(inner).sqrt())
        torch.testing.assert_close(coordinates[:, j], z @ B.T)


def test_gradient(unit_rows):
    inputs = [unit_rows(seed).requires_grad_() for seed in range(3)]
    assert torch.autograd.gradcheck(lambda *z: span(z, 1e-3).volume, inputs)


def test_equal_embeddings_span_a_line_in_float32(unit_rows):
    z = unit_rows(0).float()
    found = span([z, z, z], 1e-5)
    own = found.coordinates(z).square().sum(2).diagonal()
    torch.testing.assert_close(own, torch.ones(6), atol=1e-4, rtol=0)


def test_safe_sqrt_is_at_rest_at_zero():
    x = torch.tensor([0.0, 0.25], requires_grad=True)
    root = safe_sqrt(x)
    assert root.tolist() == pytest.approx([0.0, 0.5], abs=1e-3)
    root.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0]
