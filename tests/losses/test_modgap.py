"""Distance of partners and uniformity of centroids: values, gradients, invariances, holes."""

import math
from itertools import combinations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk import metrics
from mibsk.losses import (
    MINIMALITY,
    Embedding,
    gaussian_minimality,
    modgap_minimality,
    pairwise_mean,
    uniformity_of,
)


def minimality(*means, present=None, **weights):
    return modgap_minimality([Embedding(z) for z in means], present, **weights)


def by_hand(means, uniformity=1.0):
    """The term by loops; `means` lists the embeddings that each row has."""
    distances, centroids = [], []
    for row in means:
        pairs = [((a - b) ** 2).sum().item() for a, b in combinations(row, 2)]
        if pairs:
            distances.append(sum(pairs) / len(pairs))
        total = sum(row)
        centroids.append(total / total.norm())
    potentials = [math.exp(-2 * ((a - b) ** 2).sum()) for a, b in combinations(centroids, 2)]
    distance = sum(distances) / len(distances)
    return distance + uniformity * math.log(sum(potentials) / len(potentials))


def test_reference_value_of_the_uniformity(loss_inputs, loss_values):
    points = torch.stack([F.normalize(loss_inputs[f"z{i}"].mean(0), dim=0) for i in range(3)])
    expected = loss_values["modgap_centroid_uniformity_M3"]
    assert uniformity_of(points).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("n", [2, 7])
def test_uniformity_is_that_of_the_metric(unit_rows, n):
    x = unit_rows(3, n)
    expected = float(metrics.uniformity(x.numpy()))
    assert uniformity_of(x).item() == pytest.approx(expected, abs=1e-9)


def test_hand_values():
    z = torch.eye(3)
    assert minimality(z, z).item() == pytest.approx(-4)  # centroids at a squared distance of 2
    assert minimality(z, z, uniformity=0.0).item() == 0.0
    east = torch.tensor([[1.0, 0.0]])
    assert minimality(east, east.flip(1)).item() == pytest.approx(2)  # one row: no others
    same = east.repeat(3, 1)
    assert minimality(same, same).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("m", [2, 3, 5])
def test_naive_loop(unit_rows, m):
    means = [unit_rows(i) for i in range(m)]
    rows = list(zip(*means, strict=True))
    assert minimality(*means).item() == pytest.approx(by_hand(rows), rel=1e-9)
    expected = by_hand(rows, uniformity=0.3)
    assert minimality(*means, uniformity=0.3).item() == pytest.approx(expected, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(2, 8), n=st.integers(2, 6))
def test_first_part_is_the_mean_over_pairs_and_their_order_has_no_effect(unit_rows, seed, m, n):
    items = [Embedding(unit_rows(seed + i, n)) for i in range(m)]
    pairs = 2 * pairwise_mean(gaussian_minimality, items).item()  # squared distance
    assert modgap_minimality(items, uniformity=0.0).item() == pytest.approx(pairs, rel=1e-9)
    value = modgap_minimality(items).item()
    assert modgap_minimality(items[::-1]).item() == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("m", [2, 3, 8])
def test_gradient(unit_rows, m):
    inputs = [unit_rows(i, n=3).requires_grad_() for i in range(m)]
    assert torch.autograd.gradcheck(minimality, inputs)


@pytest.mark.parametrize("m", range(2, 9))
@pytest.mark.parametrize("case", ["identical", "opposite", "orthogonal"])
def test_gradients_are_bounded(m, case):
    means = [torch.eye(8)[:4] for _ in range(m)]
    if case == "opposite":
        means = [(-1) ** i * z for i, z in enumerate(means)]  # centroids are 0 for even m
    elif case == "orthogonal":
        means = [z.roll(i, 1) for i, z in enumerate(means)]
    for z in means:
        z.requires_grad_()
    minimality(*means).backward()
    assert all(z.grad.abs().max() < 1e4 for z in means)


def test_invariant_to_rotation_and_order_of_rows(unit_rows, rotation):
    means = [unit_rows(i) for i in range(3)]
    value = minimality(*means).item()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    assert minimality(*[z @ rotation for z in means]).item() == pytest.approx(value, rel=1e-9)
    assert minimality(*[z[order] for z in means]).item() == pytest.approx(value, rel=1e-9)


class TestMissingRows:
    has = torch.tensor([[1, 1, 1, 0, 1, 0], [1, 1, 0, 1, 0, 0], [1, 0, 1, 1, 0, 0]]).bool()

    def test_masks_without_holes_change_nothing(self, unit_rows):
        means = [unit_rows(i).float() for i in range(5)]
        full = [torch.ones(6, dtype=torch.bool)] * 5
        assert minimality(*means, present=full) == minimality(*means)

    def test_a_row_has_the_pairs_and_the_centroid_of_its_modalities(self, unit_rows):
        means = [unit_rows(i) for i in range(3)]
        rows = [
            [z[i] for z, mask in zip(means, self.has, strict=True) if mask[i]] for i in range(5)
        ]
        means = [z * mask[:, None] for z, mask in zip(means, self.has, strict=True)]
        value = minimality(*means, present=list(self.has)).item()
        assert value == pytest.approx(by_hand(rows), rel=1e-9)

    def test_gradients_of_missing_rows_change_nothing_else(self, unit_rows):
        means = [unit_rows(i) * mask[:, None] for i, mask in enumerate(self.has)]
        for z in means:
            z.requires_grad_()
        minimality(*means, present=list(self.has)).backward()
        assert all(z.grad.isfinite().all() for z in means)


def test_refuses_fewer_than_two_modalities(unit_rows):
    with pytest.raises(ValueError, match="at least two modalities"):
        minimality(unit_rows(0))


def test_states_its_facts():
    assert not MINIMALITY["modgap"].pairwise
    assert MINIMALITY["modgap"].takes_present
