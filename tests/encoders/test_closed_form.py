"""The closed form beside a network: values by hand, and its part in an encoder."""

import math

import numpy as np
import pytest
import torch

from mibsk.encoders import ClosedForm, Encoder, InputScaling, Projection

WEIGHT = np.diag([1.0, 2.0])  # symmetric, as that of sparse input is transposed


def closed_form(alpha, projection=None):
    """Return u = (x0, 2 x1 + 1), scaled to unit norm."""
    return ClosedForm(WEIGHT, np.array([0.0, 1.0]), alpha, projection)


def network():
    return Encoder(torch.nn.Identity(), 2).eval()


X = torch.tensor([[3.0, 1.5], [0.0, 2.0]])


def test_variates_have_unit_norm():
    u = closed_form(1.0).variates(X)
    torch.testing.assert_close(u, torch.tensor([[3.0, 4.0], [0.0, 5.0]]) / 5)


def test_large_rows_keep_their_direction():
    u = closed_form(1.0).variates(torch.tensor([[3e37, 2e37], [torch.inf, 0.0]]))
    torch.testing.assert_close(u[0], torch.tensor([0.6, 0.8]))
    assert u[1].isnan().any()


@pytest.mark.parametrize("alpha", [0.25, 1.0, 4.0])
def test_similarities_are_weighted_means(alpha):
    encoder = network()
    v = encoder(X)
    encoder.closed_form = closed_form(alpha)
    z, u = encoder(X), closed_form(alpha).variates(X)
    torch.testing.assert_close(z @ z.T, (alpha**2 * u @ u.T + v @ v.T) / (1 + alpha**2))
    assert encoder.n_outputs == z.shape[1] == 4
    torch.testing.assert_close(encoder.network(X), v)
    torch.testing.assert_close(encoder.distribution(X)[0], v)


def test_alone_the_network_is_not_used():
    encoder = Encoder(torch.nn.Linear(2, 3), 3).eval()
    encoder.closed_form = closed_form(math.inf)
    torch.nn.init.constant_(encoder.backbone.weight, math.nan)
    torch.testing.assert_close(encoder(X), closed_form(1.0).variates(X))
    assert encoder.n_outputs == 2


def test_reads_the_scaled_input():
    encoder = Encoder(torch.nn.Identity(), 2, scaling=InputScaling([1.0, 0.0], [2.0, 0.5])).eval()
    encoder.closed_form = closed_form(math.inf)
    scaled = torch.tensor([[1.0, 3.0], [-0.5, 4.0]])
    torch.testing.assert_close(encoder(X), closed_form(1.0).variates(scaled))


def test_a_projection_limits_the_dimension():
    encoder = network()
    encoder.closed_form = closed_form(1.0, Projection(np.eye(4)[:3], np.zeros(3)))
    z = encoder(X)
    assert z.shape == (2, 3)
    assert encoder.n_outputs == 3
    torch.testing.assert_close(z.norm(dim=1), torch.ones(2))


def test_sparse_rows_equal_dense_ones():
    form = closed_form(1.0)
    indices = torch.tensor([[0, 1], [1, 0]])
    values = torch.tensor([[3.0, 1.5], [2.0, 0.0]])
    torch.testing.assert_close(form.variates((indices, values)), form.variates(X))


def test_is_not_part_of_the_state_of_training():
    encoder = network()
    before = set(encoder.state_dict()), list(encoder.parameters())
    encoder.closed_form = closed_form(2.0, Projection(np.eye(4)[:3], np.zeros(3)))
    assert (set(encoder.state_dict()), list(encoder.parameters())) == before


def test_shown_with_its_weight():
    assert "alpha=2" in repr(closed_form(2.0))
