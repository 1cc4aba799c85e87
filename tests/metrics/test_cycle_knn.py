"""Cycle k-NN: reference values, a naive form, hand values; laws are in test_knn_overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.metrics import cycle_knn

from .draws import few, seeds, textbook_neighbours


def naive(X, Y, k):
    near_x, near_y = textbook_neighbours(X, k), textbook_neighbours(Y, k)
    return np.mean([any(i in near_x[j] for j in near_y[i]) for i in range(len(X))])


@pytest.mark.parametrize("name", ["correlated", "wide", "independent"])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_reference_values(reference, name, k):
    inputs, values = reference("metrics_inputs.npz"), reference("metrics_values.json")[name]
    value = cycle_knn(inputs[f"{name}_x"], inputs[f"{name}_y"], k=k)
    assert value == pytest.approx(values[f"cycle_knn_k{k}"], abs=1e-6)


@few
@given(seeds, st.integers(2, 30), st.data())
def test_equals_the_naive_form(seed, n, data):
    k = data.draw(st.integers(1, n - 1))
    X, Y = np.random.default_rng(seed).standard_normal((2, n, 3))
    assert cycle_knn(X, Y, k=k) == pytest.approx(naive(X, Y, k))


def test_a_row_that_is_no_ones_neighbour_never_comes_back():
    near_hub = np.array([[10.0], [1.0], [2.0], [3.0]])  # everyone's nearest is the first
    assert cycle_knn(near_hub, near_hub, k=1) == 0.5  # the first, and its nearest, the last
    assert cycle_knn(near_hub, near_hub, k=3) == 1


def test_grows_with_k_and_two_rows():
    X, Y = np.random.default_rng(0).standard_normal((2, 100, 4))
    values = [cycle_knn(X, Y, k=k) for k in (1, 3, 10, 30, 99)]
    assert values == sorted(values)
    assert values[-1] == 1
    assert cycle_knn([[0.0], [1.0]], [[5.0], [2.0]], k=1) == 1
