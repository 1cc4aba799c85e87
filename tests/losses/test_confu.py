"""Contrastive fusion: its parts, its heads, rows that lack modalities, its place in a fit."""

from itertools import combinations

import numpy as np
import pytest
import torch

from mibsk import IBAligner
from mibsk.losses import ConFu, IBObjective, infonce

GROUPS = torch.tensor([0, 1, 0, 2, 1, 0])


@pytest.fixture
def loss():
    """Function of the number of modalities: a loss with heads in float64."""

    def make(m, **params):
        made = ConFu(**params)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            made.build(m, 4)
        return made.double()

    return make


def fused(loss, a, b, z, w):
    """The fusion head of a pair, step by step."""
    first, _, second = loss.heads[f"{a}+{b}"]
    hidden = (first.weight @ torch.cat([z, w], 1).T * 2 + first.bias[:, None]).clamp(min=0)
    out = (second.weight @ hidden + second.bias[:, None]).T
    return out / out.norm(dim=1, keepdim=True)


@pytest.mark.parametrize("m", [3, 4])
@pytest.mark.parametrize(("groups", "positives"), [(None, False), (GROUPS, False), (GROUPS, True)])
def test_is_the_mean_over_pairs_and_over_fused_pairs(unit_rows, loss, m, groups, positives):
    items, made = [unit_rows(seed) for seed in range(m)], loss(m, fused_weight=0.3)
    pairs = list(combinations(range(m), 2))
    of_pairs = [infonce(items[a], items[b], 0.2, groups, positives).item() for a, b in pairs]
    of_fused = [
        infonce(fused(made, a, b, items[a], items[b]), items[c], 0.2, groups, positives).item()
        for a, b in pairs
        for c in range(m)
        if c not in (a, b)
    ]
    assert len(of_fused) == m * (m - 1) * (m - 2) / 2
    expected = 0.7 * sum(of_pairs) / len(of_pairs) + 0.3 * sum(of_fused) / len(of_fused)
    assert made(items, 0.2, groups, positives).item() == pytest.approx(expected, rel=1e-9)


def test_of_two_modalities_is_infonce(unit_rows, loss):
    z, w = unit_rows(0), unit_rows(1)
    assert loss(2)([z, w], 0.2).item() == infonce(z, w, 0.2).item()
    assert not list(loss(2).parameters())


def test_heads_are_trained(unit_rows, loss):
    made = loss(3)
    assert list(made.heads) == ["0+1", "0+2", "1+2"]
    made([unit_rows(seed) for seed in range(3)], 0.2).backward()
    assert all(p.grad.isfinite().all() and p.grad.any() for p in made.parameters())


def test_sets_are_weighted_by_their_rows(unit_rows, loss):
    items, made = [unit_rows(seed) for seed in range(3)], loss(3)
    present = [torch.arange(6) > 1, torch.ones(6, dtype=torch.bool), torch.arange(6) < 5]
    a, b, c = items
    of_pairs = (
        4 * infonce(a[2:], b[2:], 0.2) + 3 * infonce(a[2:5], c[2:5], 0.2)
        + 5 * infonce(b[:5], c[:5], 0.2)
    ) / 12  # fmt: skip
    complete = [z[2:5] for z in items]
    of_fused = sum(
        infonce(fused(made, x, y, complete[x], complete[y]), complete[z], 0.2)
        for x, y, z in ((0, 1, 2), (0, 2, 1), (1, 2, 0))
    ) / 3  # fmt: skip
    expected = (of_pairs + of_fused).item() / 2
    assert made(items, 0.2, present=present).item() == pytest.approx(expected, rel=1e-9)


def test_refuses_heads_of_another_number_of_modalities(unit_rows, loss):
    items = [unit_rows(seed) for seed in range(4)]
    with pytest.raises(ValueError, match=r"another number of modalities than 4: call build"):
        loss(3)(items, 0.2)
    with pytest.raises(ValueError, match="call build"):
        IBObjective("confu").sufficiency(items, 0.2)


@pytest.mark.parametrize("weight", [-0.1, 1.0])
def test_refuses_a_bad_weight(weight):
    with pytest.raises(ValueError, match="fused_weight must be"):
        ConFu(fused_weight=weight)


def test_a_fit_trains_the_heads_reproducibly(tmp_path):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(96, 2))
    X = {name: np.hstack([shared, rng.normal(size=(96, 2))]).astype(np.float32) for name in "abc"}
    params = {"sufficiency": "confu", "n_components": 4, "max_epochs": 2, "random_state": 0}
    first, second = (IBAligner(**params).fit(X) for _ in range(2))
    heads = [aligner.module_.objective.state_dict() for aligner in (first, second)]
    assert any("heads.0+1" in name for name in heads[0])
    assert all(torch.equal(heads[0][name], heads[1][name]) for name in heads[0])
    first.save(tmp_path / "model")
    loaded = IBAligner.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.embed(X)["a"], first.embed(X)["a"])
