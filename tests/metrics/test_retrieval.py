"""Retrieval: reference values, scikit-learn, ties, labels, captions, tiles and laws."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.metrics import average_precision_score, top_k_accuracy_score
from sklearn.neighbors import NearestNeighbors

from mibsk.metrics import (
    Bootstrap,
    mean_average_precision,
    mean_reciprocal_rank,
    median_rank,
    recall_at_k,
)
from mibsk.metrics.neighbours import _inner_products
from mibsk.metrics.retrieval import _ranks

from .draws import few, seeds


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
    monkeypatch.setattr(_inner_products, "TILE_IN_CACHE", 1)
    monkeypatch.setattr(_inner_products, "ROWS_AT_LEAST", 7)
    monkeypatch.setattr(_ranks, "FIRST_COLUMNS", 3)
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


def textbook_ranks(X, Y, relevant):
    """Place of the first relevant row, from a whole sort of each query's scores."""
    order = np.argsort(-(X @ Y.T), axis=1, kind="stable")
    return np.take_along_axis(relevant, order, axis=1).argmax(axis=1) + 1


@few
@given(seeds, st.integers(2, 30))
def test_ranks_of_partners_and_of_classes(seed, n):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, n, 3))
    ranks = textbook_ranks(X, Y, np.eye(n, dtype=bool))
    assert median_rank(X, Y) == np.median(ranks)
    assert mean_reciprocal_rank(X, Y) == pytest.approx((1 / ranks).mean())
    assert mean_average_precision(X, Y) == mean_reciprocal_rank(X, Y)
    classes = np.arange(n) % 3
    ranks = textbook_ranks(X, Y, classes[:, None] == classes)
    labels = (classes, classes)
    assert median_rank(X, Y, labels=labels) == np.median(ranks)
    assert mean_reciprocal_rank(X, Y, labels=labels) == pytest.approx((1 / ranks).mean())
    expected = [
        average_precision_score(classes == c, Y @ x) for x, c in zip(X, classes, strict=True)
    ]
    assert mean_average_precision(X, Y, labels=labels) == pytest.approx(np.mean(expected))


def test_several_captions_of_one_image():
    """Five captions each: an image looks for any of its own, a caption for its one image."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((40, 8))
    of_image = np.repeat(np.arange(40), 5)
    captions = images[of_image] + 1.5 * rng.standard_normal((200, 8))
    labels = (np.arange(40), of_image)
    relevant = labels[0][:, None] == labels[1]
    to_captions = textbook_ranks(images, captions, relevant)
    to_image = textbook_ranks(captions, images, relevant.T)
    back = labels[::-1]
    for k in (1, 5):
        assert recall_at_k(images, captions, k=k, labels=labels) == (to_captions <= k).mean()
        assert recall_at_k(captions, images, k=k, labels=back) == (to_image <= k).mean()
    assert median_rank(images, captions, labels=labels) == np.median(to_captions)
    assert median_rank(captions, images, labels=back) == np.median(to_image)
    found = mean_average_precision(images, captions, labels=labels)
    assert 1 / 5 < found < mean_reciprocal_rank(images, captions, labels=labels)


@few
@given(seeds, st.integers(2, 30))
def test_laws_of_ranks(seed, n):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, n, 4))
    rotation, order = ortho_group.rvs(4, random_state=rng), rng.permutation(n)
    moved = (2 * X @ rotation)[order], (Y @ rotation)[order]
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    for metric, best, worst in (
        (median_rank, 1, n),
        (mean_reciprocal_rank, 1, 1 / n),
        (mean_average_precision, 1, 1 / n),
    ):
        value = metric(X, Y)
        assert min(best, worst) <= value <= max(best, worst)
        assert metric(*moved) == pytest.approx(value)
        assert metric(unit, unit) == best
        assert metric(np.ones((n, 2)), np.ones((n, 2))) == pytest.approx(worst)


def test_noise_makes_partners_harder_to_find():
    X, noise = np.random.default_rng(0).standard_normal((2, 500, 16))
    views = [X + scale * noise for scale in (0.2, 0.6, 1.0, 2.0, 4.0)]
    for metric, sign in ((recall_at_k, -1), (mean_reciprocal_rank, -1), (median_rank, 1)):
        values = [sign * metric(X, Y) for Y in views]
        assert values == sorted(values)
        assert values[0] < values[-1]


def test_queries_without_relevant_rows():
    X, labels = np.eye(3), (["cat", "dog", "owl"], ["cat", "dog", "dog"])
    assert mean_reciprocal_rank(X, X, labels=labels) == pytest.approx(2 / 3)
    assert median_rank(X, X, labels=(["owl"] * 3, labels[1])) == 4
    assert mean_average_precision(X, X, labels=labels) == pytest.approx((1 + (1 + 2 / 3) / 2) / 3)


@pytest.mark.parametrize("metric", [recall_at_k, mean_reciprocal_rank, mean_average_precision])
def test_weights_and_intervals(metric):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    Y = X + rng.standard_normal((60, 3))
    weights = np.r_[np.ones(30), np.zeros(30)]
    labels = (np.arange(30), np.arange(60))
    alone = metric(X[:30], Y, labels=labels)
    assert metric(X, Y, sample_weight=weights) == pytest.approx(alone)
    found = metric(X, Y, sample_weight=weights, ci=Bootstrap(n_resamples=100))
    assert found.value == pytest.approx(alone)
    assert found.low < found.value < found.high


def test_the_interval_of_a_median_holds_ranks():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 4))
    found = median_rank(X, X + rng.standard_normal((200, 4)), ci=0.95)
    assert 1 <= found.low < found.value < found.high
    assert (2 * found.low, 2 * found.high) == (round(2 * found.low), round(2 * found.high))


@pytest.mark.parametrize("metric", [median_rank, mean_reciprocal_rank, mean_average_precision])
def test_on_an_accelerator(metric, accelerated):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 60, 4)).astype("f4")
    labels = (rng.integers(0, 9, 60), rng.integers(0, 9, 60))
    for options in ({}, {"labels": labels}):
        expected = metric(X, Y, **options)
        assert metric(accelerated(X), accelerated(Y), **options) == pytest.approx(expected)
