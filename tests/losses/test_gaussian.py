"""Minimality for isotropic Gaussians: values, gradients, invariances, its two other forms."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from mibsk.losses import Embedding, gaussian_minimality, kl_diag_gaussians


def minimality(z, w):
    return gaussian_minimality(Embedding(z), Embedding(w))


def test_reference_values(loss_inputs, loss_values):
    value = minimality(loss_inputs["z0"], loss_inputs["z1"]).item()
    assert value == pytest.approx(loss_values["minimality_cosine"], abs=1e-6)
    assert 2 * value == pytest.approx(loss_values["minimality_gaussian_sq"], abs=1e-6)


def test_zero_for_equal_embeddings(unit_rows):
    assert minimality(unit_rows(0), unit_rows(0)).item() == 0.0


def test_hand_values():
    east, north = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert minimality(east, north).item() == 1.0
    assert minimality(east, -east).item() == 2.0
    both = minimality(torch.cat([east, east]), torch.cat([north, east]))
    assert both.item() == 0.5  # the mean over rows


def test_naive_loop(unit_rows):
    z, w = unit_rows(0).tolist(), unit_rows(1).tolist()
    squares = [
        sum((a - b) ** 2 for a, b in zip(*rows, strict=True)) for rows in zip(z, w, strict=True)
    ]
    expected = sum(squares) / len(squares) / 2
    assert minimality(unit_rows(0), unit_rows(1)).item() == pytest.approx(expected, abs=1e-12)


def test_gradient(unit_rows):
    z, w = unit_rows(0).requires_grad_(), unit_rows(1).requires_grad_()
    assert torch.autograd.gradcheck(minimality, (z, w))
    same = unit_rows(0).requires_grad_()
    minimality(same, unit_rows(0)).backward()
    assert (same.grad == 0).all()  # finite, and at rest, at the optimum


def test_invariant_to_rotation_order_and_swap(unit_rows, rotation):
    z, w = unit_rows(0), unit_rows(1)
    value = minimality(z, w).item()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    assert minimality(z @ rotation, w @ rotation).item() == pytest.approx(value, abs=1e-12)
    assert minimality(z[order], w[order]).item() == pytest.approx(value, abs=1e-12)
    assert minimality(w, z).item() == pytest.approx(value, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 8), d=st.integers(1, 6))
def test_equals_one_minus_cosine_and_the_divergence_at_variance_one(unit_rows, seed, n, d):
    z, w = unit_rows(seed, n, d), unit_rows(seed + 1, n, d)
    value = minimality(z, w).item()
    cosine = torch.nn.functional.cosine_similarity(z, w).mean().item()
    assert value == pytest.approx(1 - cosine, abs=1e-12)
    unit = torch.zeros_like(z)
    ours = kl_diag_gaussians(Embedding(z, unit), Embedding(w, unit)).mean().item()
    assert value == pytest.approx(ours, abs=1e-12)
    theirs = kl_divergence(Normal(z, 1.0), Normal(w, 1.0)).sum(1).mean().item()
    assert value == pytest.approx(theirs, abs=1e-12)


def test_refuses_shapes_that_would_broadcast(unit_rows):
    with pytest.raises(ValueError, match=r"one shape \(n, d\).*\(6, 4\) and \(1, 4\)"):
        minimality(unit_rows(0), unit_rows(1, n=1))
