"""Contrast of areas: hand values, a naive loop, degenerate triangles, three modalities only."""

import math

import pytest
import torch

from mibsk import IBAligner
from mibsk.losses import triangle
from mibsk.losses._triangle import areas


def naive_area(a, b, c):
    u, v = a - b, a - c
    return math.sqrt(max((u @ u * (v @ v) - (u @ v) ** 2).item(), 0)) / 2


def naive(items, temperature):
    n, total = len(items[0]), 0.0
    for k in range(3):
        x, y, z = items[k:] + items[:k]
        scores = [[-naive_area(x[i], y[j], z[j]) / temperature for j in range(n)] for i in range(n)]
        for table in (scores, list(zip(*scores, strict=True))):
            for i, row in enumerate(table):
                total += math.log(sum(math.exp(s) for s in row)) - row[i]
    return total / n / 6


def test_areas_by_hand():
    eye = torch.eye(3, dtype=torch.float64)
    a, b, c = eye[:1], eye[1:2], eye[2:]
    assert areas(a, b, c).item() == pytest.approx(math.sqrt(3) / 2, abs=1e-9)  # side sqrt(2)
    assert areas(a, -a, b).item() == pytest.approx(1.0, abs=1e-9)  # base 2, height 1
    assert areas(a, b, b).item() == pytest.approx(0.0, abs=1e-7)


def test_naive_loop(unit_rows):
    items = [unit_rows(seed) for seed in range(3)]
    assert triangle(items, 0.3).item() == pytest.approx(naive(items, 0.3), abs=1e-9)


def test_hand_value():
    eye = torch.eye(2, dtype=torch.float64)
    # partners coincide, so that all areas with (y, z) of one row and x are 0; those with x and y of
    # different rows: corners e1, e2, -e1 or e2, e1, -e2 of area 1
    items = [eye, eye, -eye]
    certain = math.log1p(math.exp(-2.0))  # temperature 1/2: scores 0 and -2
    # third against (x, x): a pair of equal corners, area 0 for every row
    assert triangle(items, 0.5).item() == pytest.approx((2 * certain + math.log(2)) / 3, abs=1e-6)


def test_tells_an_embedding_from_its_opposite(unit_rows):
    items = [unit_rows(seed) for seed in range(3)]
    value = triangle([-items[0], *items[1:]], 0.2).item()
    assert value != pytest.approx(triangle(items, 0.2).item(), abs=1e-3)


def test_only_rows_with_all_three_count(unit_rows):
    items = [unit_rows(seed) for seed in range(3)]
    present = [torch.arange(6) > 1, torch.ones(6, dtype=torch.bool), torch.arange(6) < 5]
    expected = triangle([z[2:5] for z in items], 0.3).item()
    assert triangle(items, 0.3, present=present).item() == expected
    none = [torch.arange(6) > 3, torch.arange(6) < 3, torch.ones(6, dtype=torch.bool)]
    assert triangle(items, 0.3, present=none).item() == 0.0


@pytest.mark.parametrize("m", [2, 4])
def test_refuses_another_number_of_modalities(unit_rows, m):
    message = f"takes three modalities, got {m}: choose another one, such as 'gram'"
    with pytest.raises(ValueError, match=message):
        triangle([unit_rows(seed) for seed in range(m)], 0.3)
    X = {f"x{seed}": unit_rows(seed).float().numpy() for seed in range(m)}
    with pytest.raises(ValueError, match=message):
        IBAligner(sufficiency="triangle", max_epochs=1, batch_size=6).fit(X)
