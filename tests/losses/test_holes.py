"""Rows that lack modalities, in every registered term."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.losses import (
    MINIMALITY,
    SUFFICIENCY,
    Embedding,
    IBObjective,
    Minimality,
    Temperature,
    gaussian_minimality,
    infonce,
    mean_over_patterns,
)

NAMES = ("audio", "image", "text")
INPUTS = {
    name: torch.randn(6, 5, generator=torch.Generator().manual_seed(i))
    for i, name in enumerate(NAMES)
}


def objective(**params):
    made = IBObjective(temperature=Temperature(0.3, learned=False), **params)
    made.build(3, 4)
    return partial(made.double().eval(), inputs=INPUTS)


@pytest.fixture
def batch(unit_rows):
    return {name: Embedding(unit_rows(i), unit_rows(9 + i)) for i, name in enumerate(NAMES)}


def masked(batch, **absent):
    """Return embeddings that are 0 in absent rows, and the masks."""
    n = len(batch["audio"].mean)
    present = {name: torch.ones(n, dtype=torch.bool) for name in batch}
    for name, rows in absent.items():
        present[name][rows] = False
    embeddings = {
        name: Embedding(*(torch.where(present[name][:, None], part, 0) for part in item))
        for name, item in batch.items()
    }
    return embeddings, present


TERMS = [("sufficiency", name) for name in SUFFICIENCY] + [("minimality", n) for n in MINIMALITY]


@pytest.mark.parametrize(("part", "name"), TERMS)
def test_masks_without_a_hole_change_nothing(batch, part, name):
    loss = objective(**{part: name})
    embeddings, present = masked(batch)
    expected, found = loss(embeddings), loss(embeddings, present=present)
    assert found.sufficiency.item() == expected.sufficiency.item()
    assert found.divergence.item() == expected.divergence.item()


@pytest.mark.parametrize(("part", "name"), TERMS)
def test_every_term_takes_holes(batch, part, name):
    loss = objective(**{part: name})
    tensors = {name: item.mean.requires_grad_() for name, item in batch.items()}
    embeddings, present = masked(batch, audio=[0, 1], image=[1, 2], text=[3])
    parts = loss(embeddings, present=present)
    parts.total.backward()
    assert parts.total.isfinite()
    assert all(tensor.grad.isfinite().all() for tensor in tensors.values())
    for name, tensor in tensors.items():
        assert not tensor.grad[~present[name]].any()
    without = loss(masked(batch)[0])
    assert parts.total.item() != without.total.item()


@pytest.mark.parametrize(("part", "name"), TERMS)
def test_nothing_to_compare_is_no_loss(batch, part, name):
    embeddings, present = masked(batch, audio=[1, 2, 3, 4, 5], image=list(range(6)), text=range(6))
    parts = objective(**{part: name})(embeddings, present=present)
    assert parts.total.isfinite()


def test_pairs_are_weighted_by_their_rows(batch):
    embeddings, present = masked(batch, audio=[0, 1, 2])
    (a, b, c), rest = (item.mean for item in batch.values()), slice(3, 6)
    parts = objective(beta=1.0)(embeddings, present=present)
    pairs = [(a[rest], b[rest]), (a[rest], c[rest]), (b, c)]
    kept = sum(len(z) * infonce(z, w, 0.3) for z, w in pairs) / 12
    removed = sum(len(z) * gaussian_minimality(Embedding(z), Embedding(w)) for z, w in pairs) / 12
    assert parts.sufficiency.item() == pytest.approx(kept.item(), rel=1e-6)
    assert parts.divergence.item() == pytest.approx(removed.item(), rel=1e-6)


def test_groups_stay_with_their_rows(batch):
    groups = torch.tensor([0, 1, 2, 0, 1, 0])
    embeddings, present = masked(batch, audio=[0, 1], image=[0, 1], text=range(6))
    parts = objective(beta=0)(embeddings, present=present, groups=groups)
    z, w = batch["audio"].mean[2:], batch["image"].mean[2:]
    assert parts.total.item() == pytest.approx(infonce(z, w, 0.3, groups[2:]).item(), rel=1e-6)


def test_a_loss_of_all_modalities_uses_complete_rows_unless_it_takes_masks(batch):
    def spread(embeddings):
        return torch.stack([item.mean for item in embeddings]).var(0).mean()

    embeddings, present = masked(batch, audio=[0, 1], text=[5])
    term = Minimality(spread, pairwise=False)
    found = objective(minimality=term)(embeddings, present=present).divergence
    complete = spread([Embedding(item.mean[2:5]) for item in batch.values()])
    assert found.item() == pytest.approx(complete.item(), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(masks=st.lists(st.tuples(*[st.booleans()] * 3), min_size=3, max_size=9))
def test_mean_over_patterns_of_a_loss_by_row(masks):
    """A row counts once, in the modalities that it has."""
    present = [torch.tensor(column) for column in zip(*masks, strict=True)]
    n = len(masks)
    embeddings = [torch.full((n, 2), 10.0**m) for m in range(3)]

    def rows(taken, groups):
        return torch.stack(taken)[:, :, 0].sum(0)  # names its modalities

    expected = []
    for mask in masks:
        n_same = sum(all(other[m] for m in range(3) if mask[m]) for other in masks)
        if sum(mask) >= 2 and n_same >= 2:
            expected.append(sum(10.0**m for m in range(3) if mask[m]))
    found = mean_over_patterns(rows, embeddings, present).item()
    assert found == pytest.approx(sum(expected) / max(len(expected), 1))
