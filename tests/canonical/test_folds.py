"""Folds of rows that have no groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk import CanonicalBottleneck
from mibsk.canonical._moments import scattered_folds


@given(first=st.integers(0, 10**12), sizes=st.lists(st.integers(0, 30), max_size=5))
def test_folds_do_not_depend_on_chunks(first, sizes):
    starts = first + np.cumsum([0, *sizes])
    parts = [scattered_folds(int(start), n, 5) for start, n in zip(starts, sizes, strict=False)]
    whole = scattered_folds(first, sum(sizes), 5)
    np.testing.assert_array_equal(np.concatenate([np.empty(0, int), *parts]), whole)


@given(block=st.integers(0, 10**9), n_folds=st.integers(2, 9))
def test_successive_rows_are_in_different_folds(block, n_folds):
    assert set(scattered_folds(block * n_folds, n_folds, n_folds)) == set(range(n_folds))


@pytest.mark.parametrize("period", [2, 5, 10, 25, 100])
def test_each_fold_has_rows_of_every_phase(period):
    n = 1000 * period
    counts = np.zeros((period, 5))
    np.add.at(counts, (np.arange(n) % period, scattered_folds(0, n, 5)), 1)
    assert abs(counts / 200 - 1).max() < 0.3  # 200 expected, standard deviation at most 13


def test_the_order_of_rows_hardly_matters():
    rng = np.random.default_rng(0)
    y = np.arange(1000) % 10  # classes that alternate
    X = np.eye(10)[y] @ rng.normal(size=(10, 8)) + 0.3 * rng.normal(size=(1000, 8))
    Y = np.eye(10)[y] @ rng.normal(size=(10, 6)) + 0.3 * rng.normal(size=(1000, 6))
    order = rng.permutation(1000)
    ordered = CanonicalBottleneck().fit(X, Y).correlations_
    shuffled = CanonicalBottleneck().fit(X[order], Y[order]).correlations_
    np.testing.assert_array_equal(ordered["kept"], shuffled["kept"])
    kept = ordered["kept"].to_numpy()
    np.testing.assert_allclose(
        ordered["held_out"][kept].to_numpy(), shuffled["held_out"][kept].to_numpy(), atol=0.02
    )
