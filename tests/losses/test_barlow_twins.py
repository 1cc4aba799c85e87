"""Barlow Twins: values, gradients, invariances, groups as positives."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.losses import SUFFICIENCY, barlow_twins

SQUARE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]).double()


def loss(z, w, groups=None, positives=False, **weights):
    return barlow_twins(z, w, 0.07, groups, positives, **weights)


def by_hand(z, w, partners, redundancy=0.005):
    """The loss by loops; `partners` lists the rows of `w` that belong to each row of `z`."""
    n, d = z.shape

    def standardised(x):
        centred = x - x.mean(0)
        return centred / (centred.square().mean(0) + 1e-5 / d).sqrt()

    z, w = standardised(z), standardised(w)
    total = 0.0
    for k in range(d):
        for other in range(d):
            products = [sum(z[i, k] * w[j, other] for j in p) / len(p) for i, p in partners]
            c = sum(products) / n
            total += (1 - c) ** 2 if k == other else redundancy * c**2
    return float(total)


def test_zero_for_partners_that_agree_in_uncorrelated_columns():
    assert loss(SQUARE, SQUARE).item() == pytest.approx(0, abs=1e-9)


def test_hand_values():
    assert loss(SQUARE, -SQUARE).item() == pytest.approx(8, rel=1e-4)  # two correlations of -1
    assert loss(SQUARE, SQUARE.flip(1)).item() == pytest.approx(2 + 2 * 0.005, rel=1e-4)
    assert loss(SQUARE, SQUARE.flip(1), redundancy=1.0).item() == pytest.approx(4, rel=1e-4)


def test_constant_columns_have_correlation_zero():
    constant = torch.tensor([[1.0, 0.0]]).repeat(4, 1)
    assert loss(constant, constant).item() == 2.0


def test_naive_loop(unit_rows):
    z, w = unit_rows(0), unit_rows(1)
    own = [(i, [i]) for i in range(len(z))]
    assert loss(z, w).item() == pytest.approx(by_hand(z, w, own), rel=1e-12)


def test_gradient(unit_rows):
    z, w = unit_rows(0).requires_grad_(), unit_rows(1).requires_grad_()
    assert torch.autograd.gradcheck(loss, (z, w))
    groups = torch.tensor([0, 1, 0, 2, 1, 0])
    assert torch.autograd.gradcheck(lambda *x: loss(*x, groups, True), (z, w))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_gradients_of_constant_columns_are_finite(n):
    z = torch.tensor([[1.0, 0.0, 0.0]]).repeat(n, 1).requires_grad_()
    value = loss(z, z.detach())
    value.backward()
    assert value.isfinite()
    assert z.grad.isfinite().all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 8), d=st.integers(1, 6))
def test_symmetric_nonnegative_and_independent_of_order_and_location(unit_rows, seed, n, d):
    z, w = unit_rows(seed, n, d), unit_rows(seed + 1, n, d)
    value = loss(z, w).item()
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    assert value >= 0
    assert loss(w, z).item() == pytest.approx(value, rel=1e-9)
    assert loss(z[order], w[order]).item() == pytest.approx(value, rel=1e-9)
    assert loss(z + 3.0, w).item() == pytest.approx(value, rel=1e-9)


class TestGroups:
    def test_they_have_no_effect_as_there_are_no_negatives(self, unit_rows):
        z, w = unit_rows(0), unit_rows(1)
        assert loss(z, w, torch.tensor([0, 0, 1, 1, 2, 2])) == loss(z, w)

    def test_groups_of_one_row_as_positives_change_nothing(self, unit_rows):
        z, w = unit_rows(0), unit_rows(1)
        assert loss(z, w, torch.tensor([5, 3, 9, 0, 1, 7]), True) == loss(z, w)

    def test_all_rows_of_a_group_are_partners(self, unit_rows):
        z, w = unit_rows(0), unit_rows(1)
        groups = torch.tensor([0, 1, 0, 2, 1, 0])
        partners = [(i, [j for j in range(6) if groups[i] == groups[j]]) for i in range(6)]
        expected = by_hand(z, w, partners)
        assert loss(z, w, groups, True).item() == pytest.approx(expected, rel=1e-12)


def test_refuses_shapes_that_would_broadcast(unit_rows):
    with pytest.raises(ValueError, match=r"one shape \(n, d\).*\(6, 4\) and \(1, 4\)"):
        loss(unit_rows(0), unit_rows(1, n=1))


def test_states_its_facts():
    term = SUFFICIENCY["barlow-twins"]
    assert term.pairwise
    assert term.takes_groups
    assert term.takes_positives
    assert not term.is_bound
