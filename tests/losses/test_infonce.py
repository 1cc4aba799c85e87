"""InfoNCE: published values, hand values, a naive loop, gradients, invariances, its bound."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.losses import infonce, infonce_oneway

BOTH = pytest.mark.parametrize("loss", [infonce, infonce_oneway])


def naive_rows(z, w, temperature):
    total = 0.0
    for i in range(len(z)):
        scores = [sum(a * b for a, b in zip(z[i], row, strict=True)) / temperature for row in w]
        total += math.log(sum(math.exp(s) for s in scores)) - scores[i]
    return total / len(z)


def test_reference_values(loss_inputs, loss_values):
    z, w = loss_inputs["z0"], loss_inputs["z1"]
    rows, columns = infonce_oneway(z, w, 0.1).item(), infonce_oneway(w, z, 0.1).item()
    assert rows == pytest.approx(loss_values["infonce_rows"], abs=1e-6)
    assert columns == pytest.approx(loss_values["infonce_cols"], abs=1e-6)
    assert infonce(z, w, 0.1).item() == pytest.approx(loss_values["infonce_symmetric"], abs=1e-6)
    bound = math.log(len(z)) - rows
    assert bound == pytest.approx(loss_values["infonce_mi_lower_bound_rows"], abs=1e-6)


@BOTH
def test_zero_for_certain_partners_and_for_a_single_pair(loss):
    eye = torch.eye(4, dtype=torch.float64)
    assert loss(eye, eye, 0.01).item() == pytest.approx(0.0, abs=1e-12)
    assert loss(eye[:1], eye[1:2], 0.01).item() == 0.0


@BOTH
def test_log_n_where_all_rows_are_equal(loss):
    same = torch.ones(5, 1, dtype=torch.float64)
    assert loss(same, same, 0.07).item() == pytest.approx(math.log(5), abs=1e-12)


def test_hand_values():
    z = torch.eye(2, dtype=torch.float64)
    w = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    # logits at temperature 1/2: rows (2, 2) and (0, 0), columns (2, 0) twice
    rows = math.log(2)
    columns = math.log(math.exp(2) + 1) - (2 + 0) / 2
    assert infonce_oneway(z, w, 0.5).item() == pytest.approx(rows, abs=1e-12)
    assert infonce_oneway(w, z, 0.5).item() == pytest.approx(columns, abs=1e-12)
    assert infonce(z, w, 0.5).item() == pytest.approx((rows + columns) / 2, abs=1e-12)


def test_naive_loop(unit_rows):
    z, w = unit_rows(0), unit_rows(1)
    rows = naive_rows(z.tolist(), w.tolist(), 0.2)
    columns = naive_rows(w.tolist(), z.tolist(), 0.2)
    assert infonce_oneway(z, w, 0.2).item() == pytest.approx(rows, abs=1e-12)
    assert infonce(z, w, 0.2).item() == pytest.approx((rows + columns) / 2, abs=1e-12)


@BOTH
def test_gradient(loss, unit_rows):
    z, w = unit_rows(0).requires_grad_(), unit_rows(1).requires_grad_()
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (z, w, temperature))


@BOTH
def test_gradient_is_finite_in_float32_at_a_low_temperature(loss, unit_rows):
    z, w = unit_rows(0).float().requires_grad_(), unit_rows(1).float().requires_grad_()
    value = loss(z, w, 1e-3)
    value.backward()
    assert value.isfinite()
    assert z.grad.isfinite().all()
    assert w.grad.isfinite().all()


@BOTH
def test_invariant_to_rotation_and_to_the_order_of_the_pairs(loss, unit_rows, rotation):
    z, w = unit_rows(0), unit_rows(1)
    value = loss(z, w, 0.1).item()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    assert loss(z @ rotation, w @ rotation, 0.1).item() == pytest.approx(value, abs=1e-12)
    assert loss(z[order], w[order], 0.1).item() == pytest.approx(value, abs=1e-12)
    assert loss(z[order], w, 0.1).item() != pytest.approx(value, abs=1e-3)  # pairs broken


def test_only_the_symmetric_form_ignores_the_order_of_the_modalities(unit_rows):
    z, w = unit_rows(0), unit_rows(1)
    assert infonce(z, w, 0.1).item() == pytest.approx(infonce(w, z, 0.1).item(), abs=1e-12)
    assert infonce_oneway(z, w, 0.1).item() != pytest.approx(
        infonce_oneway(w, z, 0.1).item(), abs=1e-3
    )


@BOTH
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_classes=st.integers(1, 5),
    repeats=st.integers(1, 4),
    temperature=st.floats(0.01, 10),
)
def test_never_claims_more_information_than_there_is(
    loss, unit_rows, seed, n_classes, repeats, temperature
):
    """Embeddings that know the class alone hold log n_classes nats, and never more than log N."""
    z, w = (unit_rows(seed + i, n_classes).repeat(repeats, 1) for i in range(2))
    n = n_classes * repeats
    bound = math.log(n) - loss(z, w, temperature).item()
    assert bound <= math.log(n_classes) + 1e-9


@BOTH
@pytest.mark.parametrize(("n", "d"), [(5, 4), (8, 4), (1, 4), (6, 3)])
def test_refuses_shapes_that_do_not_pair_up(loss, unit_rows, n, d):
    with pytest.raises(ValueError, match=rf"one shape \(n, d\).*\(6, 4\) and \({n}, {d}\)"):
        loss(unit_rows(0), unit_rows(1, n, d), 0.1)


@BOTH
def test_refuses_a_single_vector(loss, unit_rows):
    with pytest.raises(ValueError, match=r"got \(4,\) and \(4,\)"):
        loss(unit_rows(0)[0], unit_rows(1)[0], 0.1)
