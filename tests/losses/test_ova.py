"""One-vs-all contrast: published values, hand values, a naive loop, the sign."""

import math

import pytest
import torch

from mibsk.losses import infonce, infonce_oneway, ova, ova_signed
from mibsk.losses._ova import _RIDGE

GROUPS = torch.tensor([0, 1, 0, 2, 1, 0])


def naive_score(z, others):
    """Cosine of a vector with its ridge projection on the span of others."""
    A = torch.stack(others)
    P = A.T @ torch.linalg.inv(A @ A.T + _RIDGE * torch.eye(len(A), dtype=A.dtype)) @ A
    return torch.nn.functional.cosine_similarity(z, P @ z, dim=0)


def naive_signed_score(z, others):
    u = naive_score(z, others)
    a = torch.nn.functional.cosine_similarity(z, torch.stack(others).mean(0), dim=0)
    return u * (3 * a / u - (a / u) ** 3) / 2


def naive(score, items, temperature, included=True, groups=None, positives=False):
    m, n = len(items), len(items[0])
    groups = range(n) if groups is None else groups.tolist()
    total = 0.0
    for k in range(m):
        others = items[:k] + items[k + 1 :]
        for i in range(n):
            row = [math.exp(score(items[k][i], [z[j] for z in others]) / temperature)
                   for j in range(n)]  # fmt: skip
            negatives = sum(row[j] for j in range(n) if groups[j] != groups[i])
            partners = [j for j in range(n) if groups[j] == groups[i]] if positives else [i]
            for p in partners:
                kept = negatives + row[p] if included else negatives
                total -= math.log(row[p] / kept) / len(partners)
    return total / n / m


@pytest.mark.parametrize("m", [3, 4])
@pytest.mark.parametrize("included", [True, False])
def test_reference_values(loss_inputs, loss_values, m, included):
    items = [loss_inputs[f"z{i}"] for i in range(m)]
    name = f"ova_sufficiency_M{m}_tau0.1_positive_{'included' if included else 'excluded'}"
    value = ova(items, 0.1, positive_in_denominator=included).item()
    assert value == pytest.approx(loss_values[name], abs=1e-6)


@pytest.mark.parametrize("loss", [ova, ova_signed])
def test_zero_for_certain_partners(loss):
    eye = torch.eye(4, dtype=torch.float64)
    assert loss([eye, eye, eye], 0.01).item() == pytest.approx(0.0, abs=1e-12)


def test_hand_values():
    east, north = torch.eye(2, dtype=torch.float64)[:, None]  # two rows of 1 x 2
    z = torch.cat([east, north])
    diagonal = torch.cat([(east + north) / math.sqrt(2), (east - north) / math.sqrt(2)])
    # each cosine is 1/sqrt(2) or its negative: no row stands out, unless the sign counts
    assert ova([z, diagonal], 0.5).item() == pytest.approx(math.log(2), abs=1e-12)
    s = 2 / math.sqrt(2)
    rows = [0.0, 2 * s, 0.0, 0.0]  # negative minus partner: row 1, row 2, column 1, column 2
    rows[2], rows[3] = 0.0, 2 * s
    expected = sum(math.log1p(math.exp(x)) for x in rows) / 4
    assert ova_signed([z, diagonal], 0.5).item() == pytest.approx(expected, abs=1e-9)


def test_the_score_is_the_length_of_the_projection():
    x, y, z = torch.eye(3, dtype=torch.float64)[:, None]
    w = 0.6 * x + 0.8 * z
    value = ova([torch.cat([w, z]), torch.cat([x, x]), torch.cat([y, y])], 1.0)
    # w is projected to 0.6 x and z to 0 by both rows: no row stands out; x and y on the spans of
    # the others: (w, y), (z, y) give 0.6 and 0 for x; (w, x), (z, x) give 0 for y
    x_rows = math.log(math.exp(0.6) + 1) - 0.3
    expected = (math.log(2) + x_rows + math.log(2)) / 3
    assert value.item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("m", [2, 3, 5])
@pytest.mark.parametrize("positives", [False, True])
@pytest.mark.parametrize("groups", [None, GROUPS])
def test_naive_loop(unit_rows, m, groups, positives):
    items = [unit_rows(seed, 6, 7) for seed in range(m)]
    for included in (True, False):
        expected = naive(naive_score, items, 0.3, included, groups, positives)
        value = ova(items, 0.3, groups, positives, positive_in_denominator=included).item()
        assert value == pytest.approx(expected, abs=1e-9)
    expected = naive(naive_signed_score, items, 0.3, True, groups, positives)
    assert ova_signed(items, 0.3, groups, positives).item() == pytest.approx(expected, abs=1e-9)


def test_of_two_modalities(unit_rows):
    z, w = unit_rows(0), unit_rows(1)
    assert ova_signed([z, w], 0.2).item() == pytest.approx(infonce(z, w, 0.2).item(), abs=1e-9)
    plus = torch.cat([w, -w])  # the absolute cosine is the larger of both
    assert ova([z, w], 0.2).item() == pytest.approx(ova([z, -w], 0.2).item(), abs=1e-12)
    assert infonce_oneway(plus, plus, 0.2) > 0


def test_only_the_signed_score_tells_an_embedding_from_its_opposite(unit_rows):
    items = [unit_rows(seed) for seed in range(3)]
    turned = [-items[0], *items[1:]]
    assert ova(turned, 0.2).item() == pytest.approx(ova(items, 0.2).item(), abs=1e-12)
    value = ova_signed(items, 0.2).item()
    assert ova_signed(turned, 0.2).item() != pytest.approx(value, abs=1e-3)
    z = unit_rows(0)
    assert ova_signed([z, z, z], 0.2).item() < ova_signed([-z, z, z], 0.2).item()
    every = [-z for z in items]
    assert ova_signed(every, 0.2).item() == pytest.approx(value, abs=1e-12)


def test_signed_gradient_turns_an_opposite_embedding():
    """Where the unsigned score is at rest, the signed one is not."""
    eye = torch.eye(4, dtype=torch.float64)
    step = 0.1 * eye.roll(1, 0)
    z = torch.nn.functional.normalize(step - eye, dim=1).requires_grad_()
    (grad,) = torch.autograd.grad(ova_signed([z, eye, eye], 1.0), z)
    assert (grad * eye).sum() < 0  # a step against the gradient goes to the others
    (grad,) = torch.autograd.grad(ova([z, eye, eye], 1.0), z)
    assert (grad * eye).sum() > 0


def test_without_the_partner_the_loss_has_no_bound():
    eye = torch.eye(4, dtype=torch.float64)
    value = ova([eye] * 3, 0.01, positive_in_denominator=False).item()
    assert value == pytest.approx(math.log(3) - 100, abs=1e-3)
    alone = ova([eye[:1]] * 3, 0.01, positive_in_denominator=False)
    assert alone.item() == 0.0
