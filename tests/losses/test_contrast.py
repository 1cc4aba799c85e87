"""Cross-entropy of finding partners: hand values, a naive loop, several partners, gradients."""

import math

import pytest
import torch

from mibsk.losses import infonce, partner_cross_entropy


@pytest.fixture
def scores():
    return torch.randn(6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


GROUPS = torch.tensor([0, 1, 0, 2, 1, 0])


def naive(scores, groups, positives):
    losses = []
    for i in range(len(scores)):
        negatives = [j for j in range(len(scores)) if groups[j] != groups[i]]
        partners = [j for j in range(len(scores)) if groups[j] == groups[i]] if positives else [i]
        of_row = []
        for p in partners:
            kept = sum(math.exp(scores[i, j]) for j in [p, *negatives])
            of_row.append(math.log(kept) - scores[i, p].item())
        losses.append(sum(of_row) / len(of_row))
    return losses


@pytest.mark.parametrize("positives", [False, True])
def test_naive_loop(scores, positives):
    rows = partner_cross_entropy(scores, GROUPS, positives=positives, reduction="none")
    assert rows.tolist() == pytest.approx(naive(scores, GROUPS.tolist(), positives), rel=1e-12)
    mean = partner_cross_entropy(scores, GROUPS, positives=positives)
    assert mean.item() == pytest.approx(rows.mean().item(), rel=1e-12)


def test_hand_value_of_two_partners():
    scores = torch.tensor([[math.log(2), math.log(3), 0.0], [0.0] * 3, [0.0] * 3])
    rows = partner_cross_entropy(
        scores, torch.tensor([7, 7, 9]), positives=True, reduction="none"
    ).tolist()
    # -log(2 / (2 + 1)) and -log(3 / (3 + 1)); then one negative of score 0; then two
    expected = [(math.log(3 / 2) + math.log(4 / 3)) / 2, math.log(2), math.log(3)]
    assert rows == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("positives", [False, True])
def test_groups_of_one_row_change_nothing(scores, positives):
    rows = partner_cross_entropy(scores, torch.arange(6), positives=positives)
    assert rows.item() == pytest.approx(partner_cross_entropy(scores).item(), rel=1e-12)


@pytest.mark.parametrize("positives", [False, True])
@pytest.mark.parametrize("groups", [GROUPS, torch.zeros(6, dtype=torch.int64)])
def test_gradient(scores, positives, groups):
    scores = scores.requires_grad_()
    partner_cross_entropy(scores, groups, positives=positives).backward()
    assert scores.grad.isfinite().all()
    if groups is GROUPS:
        assert torch.autograd.gradcheck(
            lambda s: partner_cross_entropy(s, groups, positives=positives), scores
        )


def test_a_partner_of_the_same_group_is_pulled_closer(unit_rows):
    z, w = unit_rows(0).requires_grad_(), unit_rows(1)
    groups = torch.tensor([0, 0, 1, 2, 3, 4])
    pull = {}
    for positives in (False, True):
        (grad,) = torch.autograd.grad(infonce(z, w, 0.5, groups, positives), z)
        pull[positives] = -(grad[0] @ w[1]).item()
    assert pull[True] > pull[False]
