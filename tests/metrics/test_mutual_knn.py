"""Mutual k-NN: reference values, a naive form, ties, tiles and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from mibsk.metrics import _arrays, mutual_knn

few = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**32 - 1)


def naive(X, Y, k):
    def neighbours(Z):
        scores = Z @ Z.T
        np.fill_diagonal(scores, -np.inf)
        return np.argsort(-scores, axis=1, kind="stable")[:, :k]

    pairs = zip(neighbours(X), neighbours(Y), strict=True)
    return np.mean([len(set(a) & set(b)) / k for a, b in pairs])


@pytest.mark.parametrize("name", ["correlated", "wide", "independent"])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_reference_values(reference, name, k):
    inputs, values = reference("metrics_inputs.npz"), reference("metrics_values.json")[name]
    value = mutual_knn(inputs[f"{name}_x"], inputs[f"{name}_y"], k=k)
    assert value == pytest.approx(values[f"mutual_knn_k{k}"], abs=1e-6)


@few
@given(seeds, st.integers(2, 30), st.data())
def test_equals_the_naive_form_with_ties_to_the_lower_index(seed, n, data):
    k = data.draw(st.integers(1, n - 1))
    X, Y = np.random.default_rng(seed).integers(-1, 2, (2, n, 3)).astype(float)
    assert mutual_knn(X, Y, k=k) == pytest.approx(naive(X, Y, k))


@few
@given(seeds, st.integers(3, 30), st.data())
def test_laws(seed, n, data):
    k = data.draw(st.integers(1, n - 1))
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, 4)), rng.standard_normal((n, 6))
    value = mutual_knn(X, Y, k=k)
    assert 0 <= value <= 1
    assert mutual_knn(Y, X, k=k) == value
    assert mutual_knn(X, X, k=k) == 1
    order = rng.permutation(n)
    moved = 3 * X @ ortho_group.rvs(4, random_state=rng)
    assert mutual_knn(moved[order], Y[order], k=k) == pytest.approx(value)
    assert mutual_knn(X, Y, k=n - 1) == 1  # everyone is a neighbour


def test_tiles_do_not_change_the_value(monkeypatch):
    X, Y = np.random.default_rng(0).integers(-2, 3, (2, 50, 3)).astype(float)
    plain = mutual_knn(X, Y, k=4)
    monkeypatch.setattr(_arrays, "TILE_SIZE", 350)  # 7 rows at a time, and one left over
    assert mutual_knn(X, Y, k=4) == plain == pytest.approx(naive(X, Y, 4))


def test_constant_rows_and_two_rows():
    constant = np.ones((6, 2))
    assert mutual_knn(constant, constant, k=2) == 1
    assert mutual_knn([[0.0], [1.0]], [[5.0], [2.0]], k=1) == 1


@pytest.mark.parametrize("k", [0, 20, -1])
def test_k_out_of_range(k):
    X = np.random.default_rng(0).standard_normal((20, 3))
    with pytest.raises(ValueError, match=rf"k must be in 1\.\.19 .* got {k}"):
        mutual_knn(X, X, k=k)


@pytest.mark.parametrize("k", [2.0, True, "3"])
def test_k_of_another_type(k):
    X = np.random.default_rng(0).standard_normal((20, 3))
    with pytest.raises(TypeError, match="k must be an integer"):
        mutual_knn(X, X, k=k)
