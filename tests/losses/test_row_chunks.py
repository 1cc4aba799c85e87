"""Losses of all pairs of rows have the same value and gradient in chunks."""

import pytest
import torch

from mibsk.losses import (
    Embedding,
    cauchy_schwarz_minimality,
    modgap_minimality,
    structure_divergence,
)
from mibsk.losses import _row_chunks as row_chunks


def in_chunks_of(monkeypatch, n_entries):
    monkeypatch.setattr(row_chunks, "STORED", n_entries)
    monkeypatch.setattr(row_chunks, "CHUNK", n_entries)


def of_cs(z, w):
    return cauchy_schwarz_minimality([Embedding(z), Embedding(w)])


def of_modgap(z, w):
    return modgap_minimality([Embedding(z), Embedding(w)])


def of_structure(z, w):
    return structure_divergence(z, w)


@pytest.mark.parametrize("loss", [of_cs, of_modgap, of_structure])
def test_value_and_gradient_in_chunks(monkeypatch, unit_rows, loss):
    z, w = unit_rows(0, n=7), unit_rows(1, n=7).requires_grad_()
    whole = loss(z, w)
    (gradient,) = torch.autograd.grad(whole, w)
    in_chunks_of(monkeypatch, 15)  # two rows in a chunk, one in the last
    in_chunks = loss(z, w)
    torch.testing.assert_close(in_chunks, whole, rtol=1e-12, atol=1e-12)
    (other,) = torch.autograd.grad(in_chunks, w)
    torch.testing.assert_close(other, gradient, rtol=1e-12, atol=1e-12)


def test_chunks_hold_at_most_that_many_entries(monkeypatch):
    in_chunks_of(monkeypatch, 15)
    seen = []

    def record(rows):
        seen.append(len(rows))
        return rows.sum()

    row_chunks.by_row_chunks(record, [torch.zeros(7, 2)], 7)
    assert seen == [2, 2, 2, 1]
    seen.clear()
    row_chunks.by_row_chunks(record, [torch.zeros(2, 2)], 100)
    assert seen == [1, 1]  # one row at least
