"""Similarity of all embeddings of two modalities."""

import pytest
import torch

from mibsk.losses._similarity import logits


def test_is_the_cosine_over_the_temperature(unit_rows):
    z, w = unit_rows(0), unit_rows(1)
    cosine = torch.nn.functional.cosine_similarity(z[:, None], w[None], dim=2)
    torch.testing.assert_close(logits(z, w, 0.2), cosine / 0.2)


def test_hand_value():
    z = torch.tensor([[0.6, 0.8], [1.0, 0.0]])
    expected = torch.tensor([[2.0, 1.2], [1.2, 2.0]])
    torch.testing.assert_close(logits(z, z, 0.5), expected)


def test_refuses_embeddings_of_different_shape(unit_rows):
    with pytest.raises(ValueError, match="row i of both a pair"):
        logits(unit_rows(0), unit_rows(1, n=5), 0.1)
