"""Consistency of runs: scikit-learn's linear regression, laws, bad input."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.linear_model import LinearRegression

from mibsk.metrics import _moments, compare, consistency

from .draws import seeds


def draw(seed=0, n=80, widths=(3, 5, 2)):
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n, 3))
    return [
        common @ rng.standard_normal((3, d)) + 0.7 * rng.standard_normal((n, d)) + 2 for d in widths
    ]


@pytest.mark.parametrize("rows_at_once", [7, 512])
@pytest.mark.parametrize("n_runs", [2, 3])
def test_equals_scikit_learn(n_runs, rows_at_once, monkeypatch):
    monkeypatch.setattr(_moments, "IN_CACHE", 1)
    monkeypatch.setattr(_moments, "ROWS_AT_LEAST", rows_at_once)
    runs = draw()[:n_runs]
    scores = [LinearRegression().fit(a, b).score(a, b) for a, b in permutations(runs, 2)]
    assert consistency(*runs) == pytest.approx(np.mean(scores), abs=1e-10)


def test_hand_value():
    x = np.array([1.0, -1, 1, -1, 0, 0])[:, None]
    y = np.array([1.0, -1, 0, 0, 1, -1])[:, None]  # correlation 1/2
    assert consistency(x, y) == pytest.approx(1 / 4)


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_laws(seed):
    rng = np.random.default_rng(seed)
    X, Y, _ = draw(seed)
    found = consistency(X, Y)
    assert 0 <= found <= 1
    assert consistency(Y, X) == pytest.approx(found)
    order = rng.permutation(len(X))
    scales = 10.0 ** rng.integers(-3, 3, 5)
    assert consistency(X[order] * 1e200 - 1, scales * Y[order] + 3) == pytest.approx(found)
    mapped = X @ (rng.standard_normal((3, 3)) + 3 * np.eye(3)) - 1
    assert consistency(X, mapped) == pytest.approx(1)
    assert consistency(X, X, X) == pytest.approx(1)
    assert consistency(X, np.c_[Y, np.ones(len(Y))]) == pytest.approx(found)


def test_noise_and_independence():
    X, noise = np.random.default_rng(0).standard_normal((2, 2000, 4))
    found = [consistency(X, X + s * noise) for s in (0, 0.5, 1, 2)]
    assert found == sorted(found, reverse=True)
    assert consistency(X, noise) == pytest.approx(4 / 2000, abs=0.002)


def test_few_rows_are_explained_by_many_columns():
    X, Y = np.random.default_rng(0).standard_normal((2, 5, 8))
    assert consistency(X, Y) == pytest.approx(1)
    assert consistency(X[:2], Y[:2]) == pytest.approx(1)


def test_accelerator_and_float32_agree(accelerated):
    runs = [run.astype(np.float32) for run in draw()]
    expected = consistency(*draw())
    assert consistency(*runs) == pytest.approx(expected, abs=1e-5)
    assert consistency(*map(accelerated, runs)) == pytest.approx(expected, abs=1e-4)


def test_interval_and_comparison():
    X, near = np.random.default_rng(0).standard_normal((2, 400, 3))
    found = consistency(X, X + near, ci=0.95)
    assert found.value == consistency(X, X + near)
    assert found.low < 0.5 < found.high
    compared = compare(consistency, (X, X + 0.3 * near), (X, X + near))
    assert compared.p_value < 0.01 < compared.low


@pytest.mark.parametrize(
    ("runs", "match"),
    [
        ([], "at least two runs, got 0"),
        ([np.eye(3)], "at least two runs, got 1"),
        ([np.eye(3), np.eye(4)], "3 rows in run 0 and 4 in run 1"),
        ([np.eye(3), np.ones((3, 2))], "all 3 rows of run 1 are equal"),
        ([[np.eye(3)], np.eye(3)], "run 0 must have shape"),
    ],
)
def test_bad_runs(runs, match):
    with pytest.raises(ValueError, match=match):
        consistency(*runs)
