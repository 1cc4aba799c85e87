"""Leading singular values and directions: hand values, a naive loop, equal singular values."""

import math

import pytest
import torch

from mibsk.losses import pmrl
from mibsk.losses._pmrl import leading

GROUPS = torch.tensor([0, 1, 0, 2, 1, 0])


def naive(items, temperature, groups, positives):
    n, aligned, directions = len(items[0]), 0.0, []
    for i in range(n):
        u, s, _ = torch.linalg.svd(torch.stack([z[i] for z in items], 1), full_matrices=False)
        exponents = [math.exp(value / temperature) for value in s.tolist()]
        aligned -= math.log(exponents[0] / sum(exponents))
        total = sum(z[i] for z in items)
        directions.append(u[:, 0] if u[:, 0] @ total > 0 else -u[:, 0])
    apart = 0.0
    for i in range(n):
        row = [math.exp((directions[i] @ u).item() / temperature) for u in directions]
        negatives = sum(row[j] for j in range(n) if groups[j] != groups[i])
        partners = [j for j in range(n) if groups[j] == groups[i]] if positives else [i]
        apart -= sum(math.log(row[p] / (row[p] + negatives)) for p in partners) / len(partners)
    return (aligned + apart) / n


@pytest.mark.parametrize("m", [3, 5])
@pytest.mark.parametrize("groups", [torch.arange(6), GROUPS])
@pytest.mark.parametrize("positives", [False, True])
def test_naive_loop(unit_rows, m, groups, positives):
    items = [unit_rows(seed) for seed in range(m)]  # in 4 dimensions, also fewer than modalities
    expected = naive(items, 0.3, groups.tolist(), positives)
    assert pmrl(items, 0.3, groups, positives).item() == pytest.approx(expected, abs=1e-9)


def test_zero_for_aligned_modalities_and_distinct_rows():
    eye = torch.eye(4, dtype=torch.float64)
    assert pmrl([eye, eye, eye], 0.02).item() == pytest.approx(0.0, abs=1e-9)
    assert pmrl([eye, eye, -eye], 0.02).item() == pytest.approx(0.0, abs=1e-9)  # blind to signs


def test_hand_value():
    x, y = torch.eye(2, dtype=torch.float64)
    z = torch.stack([x, y])
    # row 1: x twice, singular values sqrt(2) and 0, direction x; row 2: y and x, 1 and 1
    items = [z, torch.stack([x, x])]
    aligned = math.log1p(math.exp(-math.sqrt(2) / 0.5)) + math.log(2)
    found = leading(items)
    assert found.values.tolist() == [pytest.approx([0, math.sqrt(2)], abs=1e-7), [1.0, 1.0]]
    cosine = (found.directions[0] @ found.directions[1]).item()
    apart = math.log1p(math.exp((cosine - 1) / 0.5))
    assert pmrl(items, 0.5).item() == pytest.approx((aligned + 2 * apart) / 2, abs=1e-7)


def test_the_direction_is_on_the_side_of_the_embeddings(unit_rows):
    items = [unit_rows(seed) for seed in range(3)]
    total = sum(items)
    assert ((leading(items).directions * total).sum(1) > 0).all()
    z, w = unit_rows(0), unit_rows(1)
    of_two = leading([z, w]).directions  # the sum decides nothing if the cosine is negative
    assert ((of_two * (z + 1e-3 * z + w)).sum(1) > 0).all()


def test_gradient_of_the_direction(unit_rows):
    inputs = [unit_rows(seed).requires_grad_() for seed in range(3)]
    assert torch.autograd.gradcheck(lambda *z: leading(z).directions, inputs)
    assert torch.autograd.gradcheck(lambda *z: leading(z).values, inputs)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_gradient_is_finite_where_all_singular_values_are_equal(m):
    eye = torch.eye(16)
    inputs = [eye[4 * k : 4 * k + 4].clone().requires_grad_() for k in range(m)]
    found = leading(inputs)
    assert found.values.flatten().tolist() == pytest.approx([1.0] * 4 * m)
    (found.values.square().sum() + found.directions.sum()).backward()
    assert all(z.grad.isfinite().all() and z.grad.abs().max() < 10 for z in inputs)


def test_the_temperature_is_not_learned(unit_rows):
    items = [unit_rows(seed).requires_grad_() for seed in range(3)]
    temperature = torch.tensor(0.3).double().requires_grad_()
    pmrl(items, temperature).backward()
    assert temperature.grad is None
    assert pmrl(items, 0.1).item() < pmrl(items, 0.3).item()  # why
