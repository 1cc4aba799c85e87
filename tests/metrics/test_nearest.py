"""Nearest neighbours: exact in every path, for all scales, ties and tiles."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from mibsk.metrics import _kept, mutual_knn
from mibsk.metrics.neighbours import _nearest, _sweep, keep_searches
from mibsk.metrics.neighbours._nearest import nearest_neighbours

from .draws import few, seeds, textbook_neighbours


@few
@given(seeds, st.integers(2, 60), st.integers(1, 9), st.data())
def test_equals_the_textbook_form(seed, n, d, data):
    k = data.draw(st.integers(1, n - 1))
    X = np.random.default_rng(seed).standard_normal((n, d))
    assert np.array_equal(nearest_neighbours(X, k).near, textbook_neighbours(X, k))


@few
@given(seeds, st.integers(2, 60), st.data())
def test_ties_go_to_the_lower_index(seed, n, data):
    k = data.draw(st.integers(1, n - 1))
    X = np.random.default_rng(seed).integers(-1, 2, (n, 3)).astype(float)
    assert np.array_equal(nearest_neighbours(X, k).near, textbook_neighbours(X, k))


@pytest.mark.parametrize("k", [1, 10, 200])
@pytest.mark.parametrize("n", [1024, 1025, 2500])
def test_rows_of_several_tiles(n, k):
    X = np.random.default_rng(0).standard_normal((n, 16))
    assert np.array_equal(nearest_neighbours(X, k).near, textbook_neighbours(X, k))
    X = X.astype("f4")
    assert np.array_equal(nearest_neighbours(X, k).near, textbook_neighbours(X, k))


@few
@given(seeds, st.integers(2, 90), st.integers(1, 40), st.booleans(), st.data())
def test_tiles_do_not_change_the_neighbours(seed, n, side, whole, data):
    k, rng = data.draw(st.integers(1, n - 1)), np.random.default_rng(seed)
    X = rng.integers(-3, 4, (n, 5)).astype(float) if whole else rng.standard_normal((n, 5))
    with patch.multiple(_sweep, SIDE=side, CHUNK_SIZE=7):
        found = nearest_neighbours(X, k)
    plain = nearest_neighbours(X, k)
    assert np.array_equal(found.near, plain.near)
    assert np.array_equal(found.tied, plain.tied)


def test_rows_that_come_nearer_and_nearer():
    X = np.sort(np.random.default_rng(0).standard_normal(1500))[:, None] + np.ones((1, 3))
    with patch.multiple(_sweep, SIDE=100):
        assert np.array_equal(nearest_neighbours(X, 5).near, textbook_neighbours(X, 5))


def test_equals_scikit_learn_for_rows_of_unit_norm():
    X = np.random.default_rng(0).standard_normal((1500, 8))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    found = NearestNeighbors(n_neighbors=6).fit(X).kneighbors(return_distance=False)[:, :5]
    assert np.array_equal(nearest_neighbours(X, 5).near, found)


def test_scores_closer_than_the_error_of_float32_are_ordered():
    rng = np.random.default_rng(0)
    base = rng.standard_normal((1, 8))
    X = base + 1e-9 * rng.standard_normal((600, 8))
    assert len(np.unique((X @ X.T).astype(np.float32))) < 20
    agree = (nearest_neighbours(X, 5).near == textbook_neighbours(X, 5)).mean()
    assert agree > 0.999  # sums in another order differ in the last bit


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e300])
def test_scale_does_not_matter_nor_do_rows_of_very_different_norms(size):
    X = np.random.default_rng(0).standard_normal((400, 5))
    assert np.array_equal(nearest_neighbours(size * X, 4).near, nearest_neighbours(X, 4).near)
    X *= np.logspace(-12, 12, 400)[:, None]
    X[7] = 0
    assert np.array_equal(nearest_neighbours(X, 4).near, textbook_neighbours(X, 4))


def test_collapsed_and_duplicate_rows():
    constant = np.full((300, 4), 0.1)
    expected = np.tile(np.arange(3), (300, 1))
    expected[:3] = [[1, 2, 3], [0, 2, 3], [0, 1, 3]]
    assert np.array_equal(nearest_neighbours(constant, 3).near, expected)
    X = np.repeat(np.random.default_rng(0).standard_normal((100, 4)), 6, axis=0)
    assert np.array_equal(nearest_neighbours(X, 7).near, textbook_neighbours(X, 7))


@pytest.mark.parametrize("seed", range(12))
def test_the_same_on_an_accelerator(seed, accelerated):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    k = int(rng.integers(1, n))
    for X in (rng.standard_normal((n, 4)), rng.integers(-1, 2, (n, 3)), np.ones((n, 2))):
        X = X.astype("f4")
        assert np.array_equal(nearest_neighbours(accelerated(X), k).near, textbook_neighbours(X, k))


def test_searches_are_kept_within_a_context_for_arrays_in_use(monkeypatch):
    searched = []
    search = _nearest._search

    def count(X, k):
        searched.append(k)
        return search(X, k)

    monkeypatch.setattr(_nearest, "_search", count)
    X, Y = np.random.default_rng(0).standard_normal((2, 30, 3))
    with keep_searches():
        values = [mutual_knn(X, Y, k=k) for k in (3, 3, 4)]
        assert searched == [3, 3, 4, 4]
        for seed in range(5):  # ids of arrays that are gone may come again
            Z = np.random.default_rng(seed).standard_normal((30, 3))
            assert np.array_equal(nearest_neighbours(Z, 2).near, textbook_neighbours(Z, 2))
            del Z
        assert len(_kept._kept.get()) == 4
    assert _kept._kept.get() is None
    assert values == [mutual_knn(X, Y, k=k) for k in (3, 3, 4)]


@pytest.mark.parametrize("decimals", [9, 0])
def test_a_list_that_is_needed_later_is_searched_for_first(monkeypatch, decimals):
    searched = []
    search = _nearest._search
    monkeypatch.setattr(_nearest, "_search", lambda X, k: searched.append(k) or search(X, k))
    X = np.random.default_rng(0).standard_normal((30, 3)).round(decimals)
    lists = [search(X, k) for k in (2, 9)]
    with keep_searches({30: 9}):
        found = [nearest_neighbours(X, k) for k in (2, 9)]
        nearest_neighbours(X[:20], 2)
    assert searched == ([9, 2] if decimals else [9, 2, 2])  # with ties, each on its own
    for ours, theirs in zip(found, lists, strict=True):
        np.testing.assert_array_equal(ours.near, theirs.near)
        np.testing.assert_array_equal(ours.tied, theirs.tied)
