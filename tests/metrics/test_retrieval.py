"""Recall at k: reference values, scikit-learn, ties, labels, tiles and laws."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.metrics import top_k_accuracy_score
from sklearn.neighbors import NearestNeighbors

from mibsk.metrics import _arrays, recall_at_k

few = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("name", ["correlated", "independent"])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_reference_values(reference, name, k):
    inputs, values = reference("metrics_inputs.npz"), reference("metrics_values.json")[name]
    X, Y = inputs[f"{name}_x"], inputs[f"{name}_y"]
    assert recall_at_k(X, Y, k=k) == pytest.approx(values[f"recall_x2y_k{k}"], abs=1e-6)
    assert recall_at_k(Y, X, k=k) == pytest.approx(values[f"recall_y2x_k{k}"], abs=1e-6)


@few
@given(seeds, st.integers(3, 30), st.data())
def test_equals_top_k_accuracy_of_the_partner(seed, n, data):
    k = data.draw(st.integers(1, n - 1))
    X, Y = np.random.default_rng(seed).standard_normal((2, n, 3))
    expected = top_k_accuracy_score(np.arange(n), X @ Y.T, k=k)
    assert recall_at_k(X, Y, k=k) == pytest.approx(expected)


@few
@given(seeds, st.integers(2, 20), st.integers(2, 20), st.data())
def test_labels_equal_a_search_by_scikit_learn(seed, n_x, n_y, data):
    k = data.draw(st.integers(1, n_y))
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n_x, 3)), rng.standard_normal((n_y, 3))
    Y /= np.linalg.norm(Y, axis=1, keepdims=True)  # so that the distance orders as the product
    labels_x, labels_y = rng.integers(0, 4, n_x), rng.integers(0, 4, n_y)
    found = NearestNeighbors(n_neighbors=k).fit(Y).kneighbors(X, return_distance=False)
    expected = (labels_y[found] == labels_x[:, None]).any(axis=1).mean()
    value = recall_at_k(X, Y, k=k, labels=(labels_x, labels_y))
    assert value == pytest.approx(expected)


@few
@given(seeds, st.integers(2, 30), st.data())
def test_laws(seed, n, data):
    k = data.draw(st.integers(1, n))
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, n, 4))
    value = recall_at_k(X, Y, k=k)
    assert 0 <= value <= recall_at_k(X, Y, k=n) == 1
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert recall_at_k(unit, unit) == 1
    rotation, order = ortho_group.rvs(4, random_state=rng), rng.permutation(n)
    assert recall_at_k((2 * X @ rotation)[order], (Y @ rotation)[order], k=k) == value
    by_name = np.array([f"pair {i}" for i in range(n)])
    assert recall_at_k(X, Y, k=k, labels=(by_name, by_name)) == value


def test_ties_count_against_the_query():
    collapsed = np.ones((5, 2))
    assert recall_at_k(collapsed, collapsed, k=4) == 0
    assert recall_at_k(collapsed, collapsed, k=5) == 1
    one_class = ["a"] * 5
    assert recall_at_k(collapsed, collapsed, labels=(one_class, one_class)) == 1
    two = ["a", "a", "b", "b", "b"]  # three rivals for an a, two for a b
    assert recall_at_k(collapsed, collapsed, k=3, labels=(two, two)) == 0.6


def test_tiles_do_not_change_the_value(monkeypatch):
    rng = np.random.default_rng(0)
    X, Y = rng.integers(-2, 3, (2, 50, 3)).astype(float)
    labels = (rng.integers(0, 5, 50), rng.integers(0, 5, 50))
    plain = recall_at_k(X, Y, k=6), recall_at_k(X, Y, k=2, labels=labels)
    monkeypatch.setattr(_arrays, "TILE_SIZE", 350)
    assert (recall_at_k(X, Y, k=6), recall_at_k(X, Y, k=2, labels=labels)) == plain


def test_a_class_missing_from_the_gallery_is_a_miss():
    X = np.eye(3)
    labels = (pd.Series(["cat", "dog", "owl"], index=[7, 8, 9]), pd.Categorical(["cat", "dog"]))
    assert recall_at_k(X, X[:2], k=2, labels=labels) == pytest.approx(2 / 3)


def test_bad_arguments():
    X = np.eye(3)
    with pytest.raises(ValueError, match=r"k must be in 1\.\.3 .* got 4"):
        recall_at_k(X, X, k=4)
    with pytest.raises(TypeError, match="labels must be a tuple"):
        recall_at_k(X, X, labels=[0, 1, 2])
    with pytest.raises(ValueError, match=r"labels\[1\] must have one label per row, got 2"):
        recall_at_k(X, X, labels=([0, 1, 2], [0, 1]))


@given(n=st.integers(2, 12), k=st.integers(1, 2), seed=st.integers(0, 2**16))
def test_integer_weights_count_queries_as_often(n, k, seed):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(2, n, 3))
    weights = rng.integers(0, 4, n)
    weights[0] = 1
    labels = np.arange(n)
    often = np.repeat(labels, weights)
    repeated = recall_at_k(X[often], Y, k=k, labels=(often, labels))
    assert recall_at_k(X, Y, k=k, sample_weight=weights) == pytest.approx(repeated)
    assert recall_at_k(X, Y, k=k, sample_weight=np.full(n, 0.3)) == pytest.approx(
        recall_at_k(X, Y, k=k)
    )


@pytest.mark.parametrize("weights", [[1, 2], [[1], [1], [1]], [1, np.nan, 1], [1, -1, 1], [0] * 3])
def test_bad_weights(weights):
    with pytest.raises(ValueError, match="sample_weight must"):
        recall_at_k(np.eye(3), np.eye(3), sample_weight=weights)
    with pytest.raises(ValueError, match="sample_weight must hold one number per row"):
        recall_at_k(np.eye(3), np.eye(3), sample_weight=["a", "b", "c"])
