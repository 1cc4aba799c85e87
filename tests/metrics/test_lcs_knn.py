"""LCS k-NN: reference values, the textbook form, hand values; laws are in test_knn_overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.metrics import edit_distance_knn, lcs_knn, mutual_knn
from mibsk.metrics.neighbours._lcs_knn import common_subsequence

from .draws import few, seeds


def textbook(a, b):
    """Return the length of the longest common subsequence: one cell at a time."""
    length = np.zeros((len(a) + 1, len(b) + 1), int)
    for i in range(len(a)):
        for j in range(len(b)):
            equal = a[i] == b[j]
            length[i + 1, j + 1] = (
                length[i, j] + 1 if equal else max(length[i, j + 1], length[i + 1, j])
            )
    return length[-1, -1]


@pytest.mark.parametrize("name", ["correlated", "wide", "independent"])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_reference_values(reference, name, k):
    inputs, values = reference("metrics_inputs.npz"), reference("metrics_values.json")[name]
    value = lcs_knn(inputs[f"{name}_x"], inputs[f"{name}_y"], k=k)
    assert value == pytest.approx(values[f"lcs_knn_k{k}"], abs=1e-6)


@few
@given(seeds, st.integers(1, 20), st.integers(1, 12), st.integers(0, 10))
def test_equals_the_textbook_form(seed, n, k, more):
    rng = np.random.default_rng(seed)
    near_x, near_y = rng.permuted(np.tile(np.arange(k + more), (2, n, 1)), axis=2)[:, :, :k]
    expected = [textbook(a, b) for a, b in zip(near_x, near_y, strict=True)]
    assert np.array_equal(common_subsequence(near_x, near_y), expected)


@pytest.mark.parametrize(
    ("a", "b", "length"),
    [([1, 2, 3], [3, 2, 1], 1), ([1, 2, 3, 4], [0, 1, 3, 4], 3), ([1, 2], [3, 4], 0)],
)
def test_hand_values(a, b, length):
    assert common_subsequence(np.array([a]), np.array([b])) == [length]


@few
@given(seeds, st.integers(3, 30), st.data())
def test_lies_between_its_neighbours(seed, n, data):
    """At most what the lists share; at least what is not edited."""
    k = data.draw(st.integers(1, n - 1))
    X, Y = np.random.default_rng(seed).standard_normal((2, n, 3))
    value = lcs_knn(X, Y, k=k) / k
    assert edit_distance_knn(X, Y, k=k) - 1e-12 <= value <= mutual_knn(X, Y, k=k) + 1e-12
    if k == 1:
        assert value == mutual_knn(X, Y, k=1)
