"""The temperature: positive, learned or fixed, part of every checkpoint."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.losses import Temperature, infonce


@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("value", [0.01, 0.07, 1, 5.0])
def test_starts_at_its_value(value, learned):
    assert Temperature(value, learned=learned)().item() == pytest.approx(value, rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(value=st.floats(1e-3, 10), step=st.floats(-60, 60))
def test_stays_positive_under_any_gradient_step(value, step):
    temperature = Temperature(value)
    temperature.log_value.grad = torch.tensor(step)
    torch.optim.SGD(temperature.parameters(), lr=1.0).step()
    assert temperature().item() > 0
    assert temperature().isfinite()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), lr=st.floats(0.01, 1))
def test_stays_positive_while_the_loss_pulls_it_down(unit_rows, seed, lr):
    z = unit_rows(seed)
    temperature = Temperature(0.07)
    optimizer = torch.optim.Adam(temperature.parameters(), lr=lr)
    start = temperature().item()
    for _ in range(5):
        optimizer.zero_grad()
        infonce(z, z, temperature()).backward()
        optimizer.step()
    assert 0 < temperature().item() < start  # each row is its own best partner


def test_gradient_with_respect_to_the_logarithm():
    temperature = Temperature(0.5)
    temperature().backward()
    assert temperature.log_value.grad.item() == pytest.approx(0.5)  # d exp(s) / ds = exp(s)


def test_a_fixed_temperature_is_not_a_parameter():
    fixed = Temperature(0.1, learned=False)
    assert list(fixed.parameters()) == []
    assert not fixed().requires_grad


@pytest.mark.parametrize("learned", [True, False])
def test_travels_in_the_state_dict(learned):
    state = Temperature(0.3, learned=learned).state_dict()
    assert state["log_value"].item() == pytest.approx(math.log(0.3))
    other = Temperature(0.9, learned=learned)
    other.load_state_dict(state)
    assert other().item() == pytest.approx(0.3)


@pytest.mark.parametrize("value", [0, 0.0, -1.0, math.nan, math.inf])
def test_refuses_what_is_not_positive_and_finite(value):
    with pytest.raises(ValueError, match="temperature must be a finite number > 0"):
        Temperature(value)


@pytest.mark.parametrize("value", ["0.1", True, None])
def test_refuses_what_is_not_a_number(value):
    with pytest.raises(TypeError, match=f"temperature must be .*{type(value).__name__}"):
        Temperature(value)
