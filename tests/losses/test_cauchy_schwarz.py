"""Cauchy-Schwarz divergence of distributions: values, gradients, invariances, unpaired rows."""

import math
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.losses import MINIMALITY, Embedding, cauchy_schwarz, cauchy_schwarz_minimality


def minimality(*means, present=None, **width):
    return cauchy_schwarz_minimality([Embedding(z) for z in means], present, **width)


def by_hand(x, y, variance=0.5):
    def mean_kernel(a, b):
        values = [math.exp(-((p - q) ** 2).sum() / (2 * variance)) for p in a for q in b]
        return sum(values) / len(values)

    return -math.log(mean_kernel(x, y) ** 2 / (mean_kernel(x, x) * mean_kernel(y, y)))


def test_reference_value(loss_inputs, loss_values):
    value = cauchy_schwarz(loss_inputs["z0"], loss_inputs["z1"], variance=0.5).item()
    assert value == pytest.approx(loss_values["cs_divergence_sigma2_0.5"], abs=1e-9)


def test_zero_for_equal_samples_in_any_order(unit_rows):
    assert cauchy_schwarz(unit_rows(0), unit_rows(0)).item() == pytest.approx(0, abs=1e-12)
    assert minimality(unit_rows(0), unit_rows(0).flip(0)).item() == pytest.approx(0, abs=1e-12)


def test_hand_values():
    one, other = torch.tensor([[0.0, 3.0]]), torch.tensor([[4.0, 0.0]])
    assert cauchy_schwarz(one, other).item() == pytest.approx(25 / 0.5)
    assert cauchy_schwarz(one, other, variance=2.0).item() == pytest.approx(25 / 2)


def test_naive_loop_of_samples_of_different_size(unit_rows):
    x, y = unit_rows(0, 5), unit_rows(1, 7)
    assert cauchy_schwarz(x, y).item() == pytest.approx(by_hand(x, y), rel=1e-9)
    value = cauchy_schwarz(x, y, variance=0.1).item()
    assert value == pytest.approx(by_hand(x, y, 0.1), rel=1e-9)


@pytest.mark.parametrize("m", [2, 3, 5])
def test_mean_over_the_pairs_of_modalities(unit_rows, m):
    means = [unit_rows(i) for i in range(m)]
    pairs = [cauchy_schwarz(x, y).item() for x, y in combinations(means, 2)]
    assert minimality(*means).item() == pytest.approx(sum(pairs) / len(pairs), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 8), m=st.integers(1, 8), d=st.integers(1, 6))
def test_nonnegative_and_symmetric(unit_rows, seed, n, m, d):
    x, y = unit_rows(seed, n, d), unit_rows(seed + 1, m, d)
    value = cauchy_schwarz(x, y).item()
    assert value >= -1e-12
    assert cauchy_schwarz(y, x).item() == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("m", [2, 3, 8])
def test_gradient(unit_rows, m):
    inputs = [unit_rows(i, n=3).requires_grad_() for i in range(m)]
    assert torch.autograd.gradcheck(minimality, inputs)


@pytest.mark.parametrize("m", range(2, 9))
@pytest.mark.parametrize("case", ["identical", "opposite", "orthogonal"])
def test_gradients_are_finite(m, case):
    means = [torch.eye(8)[:1].repeat(3, 1) for _ in range(m)]
    if case == "opposite":
        means[-1] = -means[-1]
    elif case == "orthogonal":
        means = [torch.eye(8)[i : i + 1] for i in range(m)]
    for z in means:
        z.requires_grad_()
    minimality(*means, variance=0.01).backward()
    assert all(z.grad.isfinite().all() for z in means)


def test_invariant_to_rotation_and_to_the_order_of_each_modality(unit_rows, rotation):
    x, y = unit_rows(0), unit_rows(1)
    value = minimality(x, y).item()
    assert minimality(x @ rotation, y @ rotation).item() == pytest.approx(value, rel=1e-9)
    assert minimality(x, y.flip(0)).item() == pytest.approx(value, rel=1e-9)


class TestMissingRows:
    def test_masks_without_holes_change_nothing(self, unit_rows):
        means = [unit_rows(i).float() for i in range(3)]
        full = [torch.ones(6, dtype=torch.bool)] * 3
        assert minimality(*means, present=full) == minimality(*means)

    def test_rows_of_a_single_modality_take_part(self, unit_rows):
        x, y = unit_rows(0), unit_rows(1)
        has = [torch.arange(6) < 4, torch.arange(6) >= 2]
        expected = cauchy_schwarz(x[:4], y[2:]).item()
        x[4:], y[:2] = 0, 0
        assert minimality(x, y, present=has).item() == pytest.approx(expected, rel=1e-12)

    def test_a_modality_without_rows_is_left_out(self, unit_rows):
        x, y, none = unit_rows(0), unit_rows(1), torch.zeros(6, dtype=torch.bool)
        has = [~none, ~none, none]
        assert minimality(x, y, 0 * x, present=has) == minimality(x, y)
        x.requires_grad_()
        value = minimality(x, y, present=[~none, none])
        value.backward()
        assert value.item() == 0.0
        assert (x.grad == 0).all()


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (2, 4)), ((0, 3), (2, 3))])
def test_refuses_what_is_not_two_samples(shapes):
    with pytest.raises(ValueError, match=r"two samples of shapes \(n, d\) and \(m, d\)"):
        cauchy_schwarz(*map(torch.zeros, shapes))


def test_refuses_a_single_modality_and_a_width_of_zero(unit_rows):
    with pytest.raises(ValueError, match="at least two modalities, got 1"):
        minimality(unit_rows(0))
    with pytest.raises(ValueError, match="variance must be a finite number > 0"):
        minimality(unit_rows(0), unit_rows(1), variance=0.0)


def test_states_its_facts():
    assert not MINIMALITY["cs"].pairwise
    assert MINIMALITY["cs"].takes_present
