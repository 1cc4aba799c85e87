"""Multilinear contrast: published value, hand values, a naive loop, shuffled negatives."""

import math
from itertools import product

import pytest
import torch

from mibsk.losses import infonce, symile

GROUPS = torch.tensor([0, 1, 0, 2, 1, 0])


def naive(items, temperature, groups, positives):
    m, n = len(items), len(items[0])

    def score(rows):
        return math.exp(
            math.fsum(math.prod(z[j, k].item() for z, j in zip(items, rows, strict=True))
                      for k in range(items[0].shape[1])) / temperature
        )  # fmt: skip

    every = {rows: score(rows) for rows in product(range(n), repeat=m)}
    total = 0.0
    for k in range(m):
        for i in range(n):
            negatives = sum(
                value
                for rows, value in every.items()
                if rows[k] == i and any(groups[j] != groups[i] for j in rows)
            )
            partners = [j for j in range(n) if groups[j] == groups[i]] if positives else [i]
            for p in partners:
                kept = every[tuple(i if a == k else p for a in range(m))]
                total -= math.log(kept / (kept + negatives)) / len(partners)
    return total / n / m


def test_reference_value(loss_inputs, loss_values):
    items = [loss_inputs[f"z{i}"] for i in range(3)]
    value = symile(items, math.exp(-0.5)).item()
    assert value == pytest.approx(loss_values["symile_M3_all_negatives_scale_e0.5"], abs=1e-6)


@pytest.mark.parametrize("m", [2, 3, 4])
@pytest.mark.parametrize("groups", [torch.arange(6), GROUPS])
@pytest.mark.parametrize("positives", [False, True])
def test_naive_loop(unit_rows, m, groups, positives):
    items = [unit_rows(seed) for seed in range(m)]
    expected = naive(items, 0.3, groups.tolist(), positives)
    assert symile(items, 0.3, groups, positives).item() == pytest.approx(expected, abs=1e-9)


def test_zero_for_certain_partners():
    eye = torch.eye(4, dtype=torch.float64)
    assert symile([eye, eye, eye], 0.01).item() == pytest.approx(0.0, abs=1e-12)


def test_hand_value_of_xor():
    """Half of all choices of the others have the right product; nothing else is wrong."""
    x = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]], dtype=torch.float64)
    y = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]], dtype=torch.float64)
    expected = math.log(8 + 8 * math.exp(-2 / 0.5))
    assert symile([x, y, x * y], 0.5).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("max_scores", [0, 2**21])
def test_of_two_modalities_is_infonce(unit_rows, max_scores):
    z, w = unit_rows(0), unit_rows(1)
    for groups, positives in ((None, False), (GROUPS, False), (GROUPS, True)):
        value = symile([z, w], 0.2, groups, positives, max_scores=max_scores).item()
        assert value == pytest.approx(infonce(z, w, 0.2, groups, positives).item(), abs=1e-9)


class TestShuffled:
    """Negatives of which each other modality is shuffled."""

    def value(self, items, seed, **params):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return symile(items, 0.3, max_scores=0, **params).item()

    def test_are_those_of_torchs_generator(self, unit_rows):
        items = [unit_rows(seed) for seed in range(3)]
        assert self.value(items, 0) == self.value(items, 0)
        assert self.value(items, 0) != self.value(items, 1)

    def test_all_negatives_draw_nothing(self, unit_rows):
        before = torch.get_rng_state()
        symile([unit_rows(seed) for seed in range(3)], 0.3)
        assert torch.equal(torch.get_rng_state(), before)

    def test_naive_loop(self, unit_rows):
        items = [unit_rows(seed) for seed in range(3)]
        total = 0.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            orders = [[torch.randperm(6) for _ in range(2)] for _ in range(3)]
        for m, (first, second) in enumerate(orders):
            a, b = items[:m] + items[m + 1 :]
            for i in range(6):
                partner = math.exp((items[m][i] * a[i] * b[i]).sum().item() / 0.3)
                kept = partner + sum(
                    math.exp((items[m][i] * a[j] * b[k]).sum().item() / 0.3)
                    for j, k in zip(first.tolist(), second.tolist(), strict=True)
                    if (j, k) != (i, i)
                )
                total -= math.log(partner / kept)
        assert self.value(items, 5) == pytest.approx(total / 18, abs=1e-9)

    def test_are_used_above_the_limit(self, unit_rows):
        items = [unit_rows(seed) for seed in range(3)]
        whole = symile(items, 0.3).item()
        assert symile(items, 0.3, max_scores=6**3).item() == whole
        assert symile(items, 0.3, max_scores=6**3 - 1).item() < whole  # fewer negatives

    def test_gradient(self, unit_rows):
        inputs = [unit_rows(seed).requires_grad_() for seed in range(4)]

        def value(*items):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                return symile(items, 0.3, GROUPS, True, max_scores=0)

        assert torch.autograd.gradcheck(value, inputs)
