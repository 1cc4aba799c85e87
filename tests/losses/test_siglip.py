"""The sigmoid loss: published value, hand value, a naive loop, groups, gradients."""

import math

import pytest
import torch

from mibsk.losses import SUFFICIENCY, siglip

GROUPS = torch.tensor([0, 1, 0, 2, 1, 0])


def naive(z, w, temperature, bias, groups, positives):
    total = 0.0
    for i in range(len(z)):
        partners = [j for j in range(len(z)) if (groups[j] == groups[i] if positives else j == i)]
        for j in range(len(z)):
            score = (z[i] @ w[j]).item() / temperature + bias
            if j in partners:
                total += math.log1p(math.exp(-score)) / len(partners)
            elif groups[j] != groups[i]:
                total += math.log1p(math.exp(score))
    return total / len(z)


def test_reference_value(loss_inputs, loss_values):
    value = siglip(loss_inputs["z0"], loss_inputs["z1"], 0.1, -10.0).item()
    assert value == pytest.approx(loss_values["siglip_s10_b-10"], abs=1e-6)


def test_hand_value():
    z = torch.eye(2, dtype=torch.float64)
    # partners: logit 2 - 1 = 1; others: logit -1
    assert siglip(z, z, 0.5, -1.0).item() == pytest.approx(2 * math.log1p(math.exp(-1)), abs=1e-12)


@pytest.mark.parametrize("positives", [False, True])
@pytest.mark.parametrize("groups", [GROUPS, torch.arange(6)])
def test_naive_loop(unit_rows, groups, positives):
    z, w = unit_rows(0), unit_rows(1)
    expected = naive(z, w, 0.2, -3.0, groups.tolist(), positives)
    value = siglip(z, w, 0.2, -3.0, groups, positives).item()
    assert value == pytest.approx(expected, rel=1e-12)
    if groups is not GROUPS:
        assert value == pytest.approx(siglip(z, w, 0.2, -3.0).item(), rel=1e-12)


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_gradient(unit_rows, groups):
    inputs = (unit_rows(0), unit_rows(1), torch.tensor(0.3).double(), torch.tensor(-2.0).double())
    inputs = [value.requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(lambda *args: siglip(*args, groups, True), inputs)


@pytest.mark.parametrize("w", ["identical", "opposite", "orthogonal"])
def test_gradient_is_finite_at_special_positions(w):
    z = torch.eye(8)[:4].requires_grad_()
    other = {"identical": z.detach(), "opposite": -z.detach(), "orthogonal": torch.eye(8)[4:]}[w]
    siglip(z, other, 1e-3).backward()
    assert z.grad.isfinite().all()


def test_its_bias_is_learned(unit_rows):
    loss = SUFFICIENCY["siglip"].own_loss()
    assert loss.bias.item() == -10
    loss(unit_rows(0), unit_rows(1), 0.1).backward()
    assert loss.bias.grad != 0
