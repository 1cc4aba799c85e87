"""Contrast of volumes: published values, hand values, a naive loop, degenerate rows."""

import math

import pytest
import torch

from mibsk.losses import gram
from mibsk.losses._gram import span_of, volumes

GROUPS = torch.tensor([0, 1, 0, 2, 1, 0])


def naive_volume(*vectors):
    A = torch.stack(vectors)
    return math.sqrt(max(torch.linalg.det(A @ A.T).item(), 0))


def naive(items, temperature, groups, positives):
    m, n = len(items), len(items[0])
    total = 0.0
    for k in range(m):
        others = items[:k] + items[k + 1 :]
        scores = [
            [-naive_volume(items[k][i], *(z[j] for z in others)) / temperature for j in range(n)]
            for i in range(n)
        ]
        for table in (scores, list(zip(*scores, strict=True))):
            for i, row in enumerate(table):
                negatives = sum(math.exp(row[j]) for j in range(n) if groups[j] != groups[i])
                partners = [j for j in range(n) if groups[j] == groups[i]] if positives else [i]
                for p in partners:
                    total += math.log(negatives + math.exp(row[p])) / len(partners)
                    total -= row[p] / len(partners)
    return total / n / m / 2


@pytest.mark.parametrize("m", [3, 4])
def test_reference_values(loss_inputs, loss_values, m):
    items = [loss_inputs[f"z{i}"] for i in range(m)]
    for k in range(m):
        found = volumes(items[k], span_of(items[:k] + items[k + 1 :])).diagonal().mean().item()
        assert found == pytest.approx(loss_values[f"gram_volume_mean_M{m}"], abs=1e-6)


@pytest.mark.parametrize("m", [2, 3, 5])
@pytest.mark.parametrize("groups", [torch.arange(6), GROUPS])
@pytest.mark.parametrize("positives", [False, True])
def test_naive_loop(unit_rows, m, groups, positives):
    items = [unit_rows(seed, 6, 6) for seed in range(m)]
    expected = naive(items, 0.3, groups.tolist(), positives)
    assert gram(items, 0.3, groups, positives).item() == pytest.approx(expected, abs=1e-9)


def test_volumes_by_hand():
    eye = torch.eye(3, dtype=torch.float64)
    tilted = torch.tensor([[0.6, 0.0, 0.8]], dtype=torch.float64)
    found = volumes(
        torch.cat([eye[2:], tilted]), span_of([eye[:1].expand(2, 3), eye[1:2].expand(2, 3)])
    )
    assert found.flatten().tolist() == pytest.approx([1.0, 1.0, 0.8, 0.8], abs=1e-6)


def test_zero_for_certain_partners_and_two_modalities():
    eye = torch.eye(4, dtype=torch.float64)
    assert gram([eye, eye], 0.01).item() == pytest.approx(0.0, abs=1e-9)
    assert gram([eye, -eye], 0.01).item() == pytest.approx(0.0, abs=1e-9)  # blind to the sign


def test_sees_no_third_modality_once_two_agree(unit_rows):
    """The weakness of the volume: it is 0 whatever the third is."""
    z = unit_rows(0)
    found = volumes(unit_rows(1), span_of([z, z]))
    assert found.abs().max().item() < 1e-6


def test_small_volumes_are_exact_in_float32(unit_rows):
    z = unit_rows(0)
    near = torch.nn.functional.normalize(z + 0.01 * unit_rows(1), dim=1)
    expected = volumes(z, span_of([near, unit_rows(2)])).diagonal()
    found = volumes(z.float(), span_of([near.float(), unit_rows(2).float()])).diagonal()
    torch.testing.assert_close(found.double(), expected, atol=3e-5, rtol=0)


def test_refuses_more_modalities_than_dimensions(unit_rows):
    with pytest.raises(ValueError, match=r"5 embeddings .* 4 dimensions: set n_components"):
        gram([unit_rows(seed) for seed in range(5)], 0.3)
