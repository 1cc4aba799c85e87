"""The mean over all pairs of modalities."""

from itertools import combinations

import pytest
import torch

from mibsk.losses import Embedding, gaussian_minimality, pairwise_mean


@pytest.mark.parametrize("m", [3, 4])
def test_reference_values(loss_inputs, loss_values, m):
    items = [Embedding(loss_inputs[f"z{i}"]) for i in range(m)]
    value = 2 * pairwise_mean(gaussian_minimality, items).item()
    assert value == pytest.approx(loss_values[f"pairwise_minimality_mean_M{m}"], abs=1e-6)


def test_hand_value():
    items = [torch.tensor(v) for v in (1.0, 2.0, 5.0)]
    assert pairwise_mean(lambda a, b: b - a, items).item() == pytest.approx((1 + 4 + 3) / 3)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_takes_every_unordered_pair_once_and_in_order(m):
    seen = []

    def loss(a, b):
        seen.append((a, b))
        return torch.tensor(0.0)

    pairwise_mean(loss, range(m))
    assert seen == list(combinations(range(m), 2))


def test_of_two_is_the_loss_itself(unit_rows):
    a, b = Embedding(unit_rows(0)), Embedding(unit_rows(1))
    assert pairwise_mean(gaussian_minimality, [a, b]) == gaussian_minimality(a, b)


def test_gradient(unit_rows):
    def loss(*means):
        return pairwise_mean(gaussian_minimality, [Embedding(z) for z in means])

    inputs = [unit_rows(i).requires_grad_() for i in range(3)]
    assert torch.autograd.gradcheck(loss, inputs)


def test_ignores_the_order_of_modalities_if_the_loss_is_symmetric(unit_rows):
    items = [Embedding(unit_rows(i)) for i in range(4)]
    value = pairwise_mean(gaussian_minimality, items).item()
    assert pairwise_mean(gaussian_minimality, items[::-1]).item() == pytest.approx(value)


@pytest.mark.parametrize("m", [0, 1])
def test_refuses_fewer_than_two(m):
    with pytest.raises(ValueError, match=f"at least two modalities, got {m}"):
        pairwise_mean(gaussian_minimality, [Embedding(torch.eye(2))] * m)
