"""Minimality with learned variance: the closed form, its laws, and the samples."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from mibsk.losses import Embedding, kl_diag_gaussians, sample, variational_minimality


@pytest.fixture(scope="module")
def gaussians(unit_rows):
    """Two batches of Gaussians."""
    return tuple(Embedding(unit_rows(i), 2 * unit_rows(10 + i)) for i in range(2))


def as_normal(embedding):
    return Normal(embedding.mean, torch.exp(embedding.log_var / 2))


def test_reference_value(loss_inputs, loss_values):
    p = Embedding(loss_inputs["mu0"], loss_inputs["logvar0"])
    q = Embedding(loss_inputs["mu1"], loss_inputs["logvar1"])
    value = kl_diag_gaussians(p, q).mean().item()
    assert value == pytest.approx(loss_values["kl_diag_gaussians_mean"], abs=1e-6)


def test_zero_for_equal_gaussians(gaussians):
    p, _ = gaussians
    assert kl_diag_gaussians(p, p).tolist() == [0.0] * 6
    assert variational_minimality(p, p).item() == 0.0


def test_hand_value():
    p = Embedding(torch.tensor([[1.0]]), torch.tensor([[math.log(4.0)]]))
    q = Embedding(torch.tensor([[0.0]]), torch.tensor([[0.0]]))
    forward = 0.5 * (-math.log(4) + 4 + 1 - 1)
    backward = 0.5 * (math.log(4) + (1 + 1) / 4 - 1)
    assert kl_diag_gaussians(p, q).item() == pytest.approx(forward, abs=1e-6)
    assert kl_diag_gaussians(q, p).item() == pytest.approx(backward, abs=1e-6)
    mean = (forward + backward) / 2
    assert variational_minimality(p, q).item() == pytest.approx(mean, abs=1e-6)


def test_naive_loop(gaussians):
    p, q = gaussians
    expected = []
    for rows in zip(*(t.tolist() for t in (*p, *q)), strict=True):
        terms = [
            math.log(math.exp(lq) / math.exp(lp)) + (math.exp(lp) + (a - b) ** 2) / math.exp(lq) - 1
            for a, lp, b, lq in zip(*rows, strict=True)
        ]
        expected.append(sum(terms) / 2)
    assert kl_diag_gaussians(p, q).tolist() == pytest.approx(expected, abs=1e-12)


def test_agrees_with_torch_distributions(gaussians):
    p, q = gaussians
    expected = kl_divergence(as_normal(p), as_normal(q)).sum(1)
    torch.testing.assert_close(kl_diag_gaussians(p, q), expected)
    reverse = kl_divergence(as_normal(q), as_normal(p)).sum(1)
    torch.testing.assert_close(variational_minimality(p, q), (expected + reverse).mean() / 2)


def test_gradient(gaussians):
    inputs = [t.clone().requires_grad_() for item in gaussians for t in item]

    def loss(*tensors):
        return variational_minimality(Embedding(*tensors[:2]), Embedding(*tensors[2:]))

    assert torch.autograd.gradcheck(loss, inputs)


def test_invariant_to_order_swap_and_rotation_of_round_gaussians(gaussians, rotation):
    p, q = gaussians
    value = variational_minimality(p, q).item()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    reordered = [Embedding(item.mean[order], item.log_var[order]) for item in (p, q)]
    assert variational_minimality(*reordered).item() == pytest.approx(value, abs=1e-12)
    assert variational_minimality(q, p).item() == pytest.approx(value, abs=1e-12)
    round_p, round_q = (
        Embedding(item.mean, torch.full_like(item.mean, c)) for item, c in ((p, 0.3), (q, -0.5))
    )
    rotated = [Embedding(item.mean @ rotation, item.log_var) for item in (round_p, round_q)]
    assert variational_minimality(*rotated).item() == pytest.approx(
        variational_minimality(round_p, round_q).item(), abs=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    apart=st.sampled_from([0.0, 1e-6, 1e-3, 1.0]),
    spread=st.sampled_from([0.0, 1e-6, 1e-3, 1.0, 8.0]),
)
def test_never_negative_even_in_float32(unit_rows, seed, apart, spread):
    mean, log_var = unit_rows(seed).float(), unit_rows(seed + 1).float()
    p = Embedding(mean, log_var)
    q = Embedding(
        mean + apart * unit_rows(seed + 2).float(), log_var + spread * unit_rows(seed + 3).float()
    )
    assert (kl_diag_gaussians(p, q) >= 0).all()


def test_refuses_deterministic_embeddings(gaussians):
    p, q = gaussians
    for pair in ((p, Embedding(q.mean)), (Embedding(p.mean), q)):
        with pytest.raises(ValueError, match=r"needs embeddings with log_var.*probabilistic=True"):
            variational_minimality(*pair)


def test_refuses_shapes_that_would_broadcast(gaussians):
    p, q = gaussians
    with pytest.raises(ValueError, match=r"\(6, 4\) and \(1, 4\)"):
        variational_minimality(p, Embedding(q.mean[:1], q.log_var[:1]))


def test_a_deterministic_embedding_is_its_own_sample(unit_rows):
    z = unit_rows(0)
    assert sample(Embedding(z)) is z


def test_samples_have_unit_norm_and_follow_the_generator(gaussians):
    p, _ = gaussians
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        drawn = sample(p)
        torch.manual_seed(3)
        noise = torch.randn(6, 4, dtype=torch.float64)
        other = sample(p)
    torch.testing.assert_close(drawn.norm(dim=1), torch.ones(6, dtype=torch.float64))
    expected = p.mean + torch.exp(p.log_var / 2) * noise
    torch.testing.assert_close(drawn, expected / expected.norm(dim=1, keepdim=True))
    assert not torch.allclose(drawn, other)


def test_samples_without_variance_are_the_mean(gaussians):
    p, _ = gaussians
    torch.testing.assert_close(sample(Embedding(p.mean, torch.full_like(p.mean, -80.0))), p.mean)


def test_gradients_reach_mean_and_variance_through_a_sample(gaussians):
    p, _ = gaussians
    inputs = [t.clone().requires_grad_() for t in p]

    def loss(mean, log_var):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return sample(Embedding(mean, log_var))

    assert torch.autograd.gradcheck(loss, inputs)
