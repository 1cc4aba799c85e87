"""Embedding chunk by chunk: the same as all at once; what is not finite never comes out."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import nn

from mibsk.data import InputSpec
from mibsk.encoders import Encoder, InputScaling
from mibsk.training import _inference
from mibsk.training._inference import ROWS_AT_A_TIME, embed_rows

CPU = torch.device("cpu")
N = 2 * ROWS_AT_A_TIME + 300
X = np.random.default_rng(0).normal(size=(N, 4))


def values_of(x):
    """Return the values of dense rows, or of the pairs of sparse ones, which may be padded."""
    return (x if isinstance(x, torch.Tensor) else x[1]).flatten(1)


class Sums(nn.Module):
    """The sum and the sum of squares of each row."""

    def forward(self, x):
        values = values_of(x)
        return torch.stack([values.sum(1), values.square().sum(1)], dim=1)


class NaNAbove(nn.Module):
    """NaN for rows whose sum is above 1000."""

    def forward(self, x):
        return torch.sqrt(1000 - values_of(x).sum(1))[:, None].expand(-1, 2)


def spec_of(rows):
    return InputSpec.learn("image", rows)[0]


def encoder_of(backbone, **kwargs):
    return Encoder(backbone, 2, modality="image", **kwargs).eval()


@pytest.mark.parametrize("cast", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("n", [0, 1, ROWS_AT_A_TIME, ROWS_AT_A_TIME + 1, N])
def test_equals_the_encoder_on_all_rows(cast, n):
    embedded = embed_rows(encoder_of(Sums()), spec_of(cast(X)), cast(X[:n]), CPU)
    assert embedded.dtype == np.float32
    assert embedded.shape == (n, 2)
    expected = encoder_of(Sums())(torch.from_numpy(X[:n].astype(np.float32)))
    np.testing.assert_allclose(embedded, expected, rtol=1e-5, atol=1e-6)


def test_the_input_is_safe_from_the_encoder():
    class InPlace(nn.Module):
        def forward(self, x):
            return x.zero_()[:, :2] + 1

    rows, kept = X.astype(np.float32), X.astype(np.float32)
    embed_rows(encoder_of(InPlace()), spec_of(X), rows, CPU)
    np.testing.assert_array_equal(rows, kept)


def test_one_chunk_at_a_time(monkeypatch):
    sizes = []
    encoder = encoder_of(Sums())
    encoder.backbone.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    monkeypatch.setattr(_inference, "ROWS_AT_A_TIME", 1000)
    embed_rows(encoder, spec_of(X), X, CPU)
    assert sizes == [1000, 1000, N - 2000]


@pytest.mark.parametrize("cast", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("row", [0, 17, 1023, 1024, N - 1])
def test_embeddings_that_are_not_finite_name_row_and_size(cast, row):
    rows = X.copy()
    rows[-1, 1] = 3000
    rows[row, 1] = 2000
    message = rf"encoder of modality 'image' gave NaN for row {row}, whose values reach 2000 in"
    with pytest.raises(ValueError, match=message):
        embed_rows(encoder_of(NaNAbove()), spec_of(cast(X)), cast(rows), CPU)


def test_rows_far_from_those_of_fit():
    backbone = nn.Linear(4, 2)
    nn.init.constant_(backbone.weight, 10)
    encoder = encoder_of(backbone, scaling=InputScaling.from_array(X))
    rows = X.astype(np.float32)
    rows[5] = 3e38
    with pytest.raises(ValueError, match=r"gave NaN for row 5, whose values reach 3e\+38 in size"):
        embed_rows(encoder, spec_of(X), rows, CPU)
