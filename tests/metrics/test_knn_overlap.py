"""Neighbours in samples and of reordered rows: the same as those of a search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.metrics import Bootstrap, cknna, mutual_knn
from mibsk.metrics.neighbours import _overlap
from mibsk.metrics.neighbours._nearest import nearest_neighbours
from mibsk.metrics.neighbours._overlap import NeighboursAmong, relabelled

from .draws import few, related, seeds


@few
@given(seeds, st.integers(10, 120), st.integers(1, 4))
def test_neighbours_among_drawn_rows(seed, n, k):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3))
    among = NeighboursAmong(X, k, 0.5)
    for _ in range(3):
        rows = np.sort(rng.choice(n, n // 2, replace=False))
        assert np.array_equal(among(rows), nearest_neighbours(X[rows], k).near)


def test_lists_that_are_too_short_or_too_long_or_have_ties_must_be_searched_for(monkeypatch):
    X = np.random.default_rng(0).standard_normal((100, 3))
    rows = np.arange(0, 100, 20)  # far fewer than expected
    assert NeighboursAmong(X, 3, 0.5)(rows) is None
    assert NeighboursAmong(X.round(), 3, 0.5)(np.arange(50)) is None
    monkeypatch.setattr(_overlap, "_LONGEST", 0)
    assert NeighboursAmong(X, 3, 0.5)(np.arange(50)) is None


@pytest.mark.parametrize("metric", [mutual_knn, cknna])
def test_intervals_do_not_depend_on_how_neighbours_are_found(metric, monkeypatch):
    X, Y = related(0, n=200)
    quick = metric(X, Y, k=5, ci=Bootstrap(n_resamples=20))
    monkeypatch.setattr(_overlap, "_LONGEST", 0)
    searched = metric(X, Y, k=5, ci=Bootstrap(n_resamples=20))
    np.testing.assert_allclose(quick.replicates, searched.replicates, rtol=1e-12)


def test_half_of_the_rows_must_have_as_many_neighbours():
    X, Y = related(0, n=20)
    with pytest.raises(ValueError, match="an interval needs at least 22 rows here"):
        mutual_knn(X, Y, k=10, ci=0.95)


def test_reordered_rows_have_the_same_neighbours():
    X, _ = related(0)
    order = np.random.default_rng(1).permutation(len(X))
    found = relabelled(nearest_neighbours(X, 6).near, order)
    assert np.array_equal(found, nearest_neighbours(X[order], 6).near)
