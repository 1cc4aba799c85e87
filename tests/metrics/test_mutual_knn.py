"""Mutual k-NN: reference values, a naive form, chance; ties are in test_ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.metrics import mutual_knn

from .draws import few, seeds, textbook_neighbours


def naive(X, Y, k):
    pairs = zip(textbook_neighbours(X, k), textbook_neighbours(Y, k), strict=True)
    return np.mean([len(set(a) & set(b)) / k for a, b in pairs])


@pytest.mark.parametrize("name", ["correlated", "wide", "independent"])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_reference_values(reference, name, k):
    inputs, values = reference("metrics_inputs.npz"), reference("metrics_values.json")[name]
    value = mutual_knn(inputs[f"{name}_x"], inputs[f"{name}_y"], k=k)
    assert value == pytest.approx(values[f"mutual_knn_k{k}"], abs=1e-6)


@few
@given(seeds, st.integers(2, 30), st.data())
def test_equals_the_naive_form(seed, n, data):
    k = data.draw(st.integers(1, n - 1))
    X, Y = np.random.default_rng(seed).standard_normal((2, n, 3))
    assert mutual_knn(X, Y, k=k) == pytest.approx(naive(X, Y, k))


def test_everyone_is_a_neighbour():
    X, Y = np.random.default_rng(0).standard_normal((2, 20, 3))
    assert mutual_knn(X, Y, k=19) == 1


def test_independent_rows_are_at_chance_level():
    X, Y = np.random.default_rng(0).standard_normal((2, 1000, 5))
    X, Y = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in (X, Y))
    assert mutual_knn(X, Y, k=50) == pytest.approx(50 / 999, rel=0.1)


def test_two_rows():
    assert mutual_knn([[0.0], [1.0]], [[5.0], [2.0]], k=1) == 1
