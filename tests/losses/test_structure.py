"""Neighbourhoods of inputs and embeddings: values, gradients, invariances, holes."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from mibsk.losses import MINIMALITY, Embedding, structure_divergence, structure_minimality


def minimality(means, inputs, present=None, **width):
    return structure_minimality([Embedding(z) for z in means], inputs, present, **width)


def by_hand(x, z, temperature=0.1):
    def neighbours(rows):
        rows = rows.numpy() / np.linalg.norm(rows.numpy(), axis=1, keepdims=True)
        rows = rows - rows.mean(0)
        return softmax(rows @ rows.T / temperature, axis=1)

    rows = zip(neighbours(x), neighbours(z), strict=True)
    return float(np.mean([jensenshannon(p, q) ** 2 for p, q in rows]))


def test_zero_for_the_same_cosines(unit_rows, rotation):
    z = unit_rows(0)
    assert structure_divergence(3 * z, z @ rotation).item() == pytest.approx(0, abs=1e-12)


def test_hand_value():
    x = torch.tensor([[1.0], [2.0], [-1.0]])  # the first two rows are neighbours
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])  # the first and the last
    half = 0.5 * math.log(2)  # of (1/2, 1/2, 0) and (1/2, 0, 1/2)
    other = 0.75 * math.log(4 / 3)  # of (1/2, 1/2) and (0, 1), twice
    value = structure_divergence(x, z, temperature=0.001).item()
    assert value == pytest.approx((half + 2 * other) / 3, rel=1e-5)


def test_naive_reference(unit_rows):
    x, z = 5 * unit_rows(0, d=7), unit_rows(1)
    assert structure_divergence(x, z).item() == pytest.approx(by_hand(x, z), rel=1e-9)
    value = structure_divergence(x, z, temperature=0.5).item()
    assert value == pytest.approx(by_hand(x, z, 0.5), rel=1e-9)
    assert minimality([z, x], [x, x]).item() == pytest.approx(by_hand(x, z) / 2, rel=1e-9)


def test_gradient(unit_rows):
    x = unit_rows(0, d=7)

    def loss(z):
        return structure_divergence(x, z)

    assert torch.autograd.gradcheck(loss, [unit_rows(1).requires_grad_()])
    x.requires_grad_()
    loss(unit_rows(1).requires_grad_()).backward()
    assert x.grad is None


@pytest.mark.parametrize("case", ["identical", "opposite", "orthogonal", "zero inputs"])
def test_gradients_are_finite(case):
    x, z = torch.eye(6)[:4], torch.eye(6)[:4]
    if case == "identical":
        z = z[:1].repeat(4, 1)
    elif case == "opposite":
        z = z[:1] * torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])
    elif case == "zero inputs":
        x = 0 * x
    z.requires_grad_()
    value = structure_divergence(x, z, temperature=0.01)
    value.backward()
    assert value.isfinite()
    assert z.grad.isfinite().all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 8), p=st.integers(1, 6), d=st.integers(1, 6))
def test_symmetric_and_between_zero_and_log_two(unit_rows, seed, n, p, d):
    x, z = unit_rows(seed, n, p), unit_rows(seed + 1, n, d)
    value = structure_divergence(x, z).item()
    assert -1e-12 <= value <= math.log(2)
    assert structure_divergence(z, x).item() == pytest.approx(value, abs=1e-12)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    assert structure_divergence(x[order], z[order]).item() == pytest.approx(value, abs=1e-12)


class TestMissingRows:
    def test_masks_without_holes_change_nothing(self, unit_rows):
        means = [unit_rows(i).float() for i in range(3)]
        inputs = [unit_rows(i + 9).float() for i in range(3)]
        full = [torch.ones(6, dtype=torch.bool)] * 3
        assert minimality(means, inputs, full) == minimality(means, inputs)

    def test_missing_rows_have_no_effect_whatever_their_inputs_are(self, unit_rows):
        (z, w), (x, y) = (unit_rows(0), unit_rows(1)), (unit_rows(2), unit_rows(3))
        has = [torch.arange(6) < 4, torch.arange(6) < 1]
        expected = structure_divergence(x[:4], z[:4]).item()
        x[4:] = torch.nan
        z.requires_grad_()
        value = minimality([z, w], [x, y], has)  # a single row of the other has no neighbours
        value.backward()
        assert value.item() == pytest.approx(expected, rel=1e-12)
        assert z.grad.isfinite().all()
        assert (z.grad[4:] == 0).all()

    def test_zero_without_two_rows(self, unit_rows):
        z, one = unit_rows(0).requires_grad_(), torch.arange(6) < 1
        value = minimality([z, z], [z, z], [one, one])
        value.backward()
        assert value.item() == 0.0
        assert (z.grad == 0).all()


def test_refuses_rows_that_do_not_match(unit_rows):
    message = r"rows of inputs \(n, p\).*got \(6, 4\) and \(5, 4\)"
    with pytest.raises(ValueError, match=message):
        structure_divergence(unit_rows(0), unit_rows(1, n=5))
    with pytest.raises(ValueError, match="temperature must be a finite number > 0"):
        structure_divergence(unit_rows(0), unit_rows(1), temperature=0.0)


def test_states_its_facts():
    term = MINIMALITY["structure"]
    assert not term.pairwise
    assert term.takes_present
    assert term.takes_inputs
