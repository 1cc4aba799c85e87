"""One modality against the mean of the others: values, the pairwise form, gradients, holes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.losses import MINIMALITY, Embedding, gaussian_minimality, ova_minimality, pairwise_mean

EAST, NORTH = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])


def minimality(*means, present=None):
    return ova_minimality([Embedding(z) for z in means], present)


@pytest.mark.parametrize("m", [3, 4])
def test_reference_values(loss_inputs, loss_values, m):
    value = minimality(*[loss_inputs[f"z{i}"] for i in range(m)]).item()
    assert value == pytest.approx(loss_values[f"ova_minimality_M{m}"], abs=1e-6)


def test_zero_for_equal_embeddings(unit_rows):
    assert minimality(unit_rows(0), unit_rows(0)).item() == 0.0


def test_hand_values():
    assert minimality(EAST, NORTH).item() == pytest.approx(2)
    assert minimality(EAST, -EAST).item() == pytest.approx(4)
    assert minimality(EAST, EAST, NORTH).item() == pytest.approx((0.5 + 0.5 + 2) / 3)
    rows = torch.cat([EAST, EAST]), torch.cat([NORTH, EAST])
    assert minimality(*rows).item() == pytest.approx(1)  # the mean over rows


def test_naive_loop(unit_rows):
    means = [unit_rows(i) for i in range(4)]
    total = 0.0
    for m, z in enumerate(means):
        others = sum(w for i, w in enumerate(means) if i != m) / 3
        total += (z - others).square().sum(1).mean().item() / 4
    assert minimality(*means).item() == pytest.approx(total, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(2, 8), n=st.integers(1, 6), d=st.integers(1, 6))
def test_proportional_to_the_mean_over_pairs(unit_rows, seed, m, n, d):
    items = [Embedding(unit_rows(seed + i, n, d)) for i in range(m)]
    value = ova_minimality(items).item()
    pairs = 2 * pairwise_mean(gaussian_minimality, items).item()  # squared distance
    assert value == pytest.approx(m / (2 * (m - 1)) * pairs, rel=1e-9, abs=1e-12)
    assert ova_minimality(items[::-1]).item() == pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("m", [2, 3, 8])
def test_gradient(unit_rows, m):
    inputs = [unit_rows(i, n=3).requires_grad_() for i in range(m)]
    assert torch.autograd.gradcheck(minimality, inputs)


@pytest.mark.parametrize("m", range(2, 9))
@pytest.mark.parametrize("case", ["identical", "opposite", "orthogonal"])
def test_gradients_are_finite(m, case):
    means = [torch.eye(8)[:2] for _ in range(m)]
    if case == "opposite":
        means[-1] = -means[-1]
    elif case == "orthogonal":
        means = list(torch.eye(8)[:m, None])
    for z in means:
        z.requires_grad_()
    minimality(*means).backward()
    assert all(z.grad.isfinite().all() for z in means)
    if case == "identical":
        assert all((z.grad == 0).all() for z in means)


def test_invariant_to_rotation(unit_rows, rotation):
    means = [unit_rows(i) for i in range(3)]
    turned = minimality(*[z @ rotation for z in means]).item()
    assert turned == pytest.approx(minimality(*means).item(), rel=1e-12)


class TestMissingRows:
    def test_masks_without_holes_change_nothing(self, unit_rows):
        means = [unit_rows(i).float() for i in range(5)]
        full = [torch.ones(6, dtype=torch.bool)] * 5
        assert minimality(*means, present=full) == minimality(*means)

    def test_a_row_is_compared_in_the_modalities_that_it_has(self, unit_rows):
        means = [unit_rows(i) for i in range(3)]
        has = torch.tensor([[1, 1, 1, 0, 1, 0], [1, 1, 0, 1, 0, 0], [1, 0, 1, 1, 0, 0]]).bool()
        means = [z * mask[:, None] for z, mask in zip(means, has, strict=True)]
        rows = [
            minimality(*[z[i : i + 1] for z, mask in zip(means, has, strict=True) if mask[i]])
            for i in range(4)  # the last two have fewer than two modalities
        ]
        expected = torch.stack(rows).mean().item()
        assert minimality(*means, present=list(has)).item() == pytest.approx(expected, rel=1e-12)

    def test_missing_rows_get_no_gradient(self, unit_rows):
        means = [unit_rows(i) for i in range(3)]
        has = torch.tensor([[1, 1, 1, 0, 1, 0], [1, 1, 0, 1, 0, 0], [1, 0, 1, 1, 0, 0]]).bool()
        means = [(z * mask[:, None]).requires_grad_() for z, mask in zip(means, has, strict=True)]
        minimality(*means, present=list(has)).backward()
        for z, mask in zip(means, has, strict=True):
            torch.testing.assert_close(z.grad[~mask], 0 * z[~mask], rtol=0, atol=1e-15)
            assert z.grad.isfinite().all()

    def test_zero_if_no_row_has_two(self, unit_rows):
        z = unit_rows(0).requires_grad_()
        none = torch.zeros(6, dtype=torch.bool)
        value = minimality(z, torch.zeros(6, 4).double(), present=[~none, none])
        value.backward()
        assert value.item() == 0.0
        assert (z.grad == 0).all()


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([], "at least two modalities.*got none"),
        ([(2, 3)], r"at least two modalities.*got \(2, 3\)"),
        ([(2, 3), (1, 3)], r"one shape \(n, d\).*got \(2, 3\), \(1, 3\)"),
        ([(3,), (3,)], r"one shape \(n, d\).*got \(3,\), \(3,\)"),
    ],
)
def test_refuses_what_is_not_rows_of_two_modalities(shapes, message):
    with pytest.raises(ValueError, match=message):
        minimality(*map(torch.zeros, shapes))


def test_states_its_facts():
    assert not MINIMALITY["ova"].pairwise
    assert MINIMALITY["ova"].takes_present
