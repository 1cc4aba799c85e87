"""Procrustes similarity: SciPy's values, laws, bad input."""

import numpy as np
import pytest
import scipy.spatial
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from mibsk.metrics import _moments, cka, procrustes

from .draws import draw_pair, few, seeds


@few
@given(seeds, st.integers(3, 60), st.integers(1, 12), st.integers(1, 12))
def test_disparity_is_that_of_scipy(seed, n, d_x, d_y):
    X, Y = draw_pair(seed, n, d_x, d_y)
    width = max(d_x, d_y)
    padded = [np.pad(Z, ((0, 0), (0, width - Z.shape[1]))) for Z in (X, Y)]
    disparity = scipy.spatial.procrustes(*padded)[2]
    assert 1 - procrustes(X, Y) ** 2 == pytest.approx(disparity, abs=1e-10)


@few
@given(seeds, st.integers(2, 40), st.integers(1, 50), st.integers(1, 50))
def test_laws(seed, n, d_x, d_y):
    X, Y = draw_pair(seed, n, d_x, d_y)
    value = procrustes(X, Y)
    assert 0 <= value <= 1
    assert procrustes(Y, X) == pytest.approx(value)
    assert procrustes(X, X) == pytest.approx(1)
    rng = np.random.default_rng(seed)
    rotation = ortho_group.rvs(d_x, random_state=rng) if d_x > 1 else -np.eye(1)
    order = rng.permutation(n)
    moved = (1e-3 * X @ rotation + rng.standard_normal(d_x))[order]
    assert procrustes(moved, 1e3 * Y[order]) == pytest.approx(value, abs=1e-8)


@few
@given(seeds, st.integers(3, 20))
def test_the_angle_is_a_metric(seed, n):
    parts = np.random.default_rng(seed).standard_normal((3, n, 4))
    a, b, c = (np.arccos(procrustes(parts[i], parts[j])) for i, j in ((0, 1), (1, 2), (0, 2)))
    assert c <= a + b + 1e-7


def test_equals_the_root_of_cka_where_there_is_one_direction():
    X, Y = np.random.default_rng(0).standard_normal((2, 50, 1))
    assert procrustes(X, Y) ** 2 == pytest.approx(cka(X, Y))
    assert procrustes(X, Y) == pytest.approx(abs(np.corrcoef(X[:, 0], Y[:, 0])[0, 1]))


def test_noise_lowers_it_and_independent_rows_are_near_0_if_there_are_many():
    values = [procrustes(*draw_pair(0, 2000, 4, 4, noise)) for noise in (0.1, 0.3, 1, 3, 10)]
    assert values == sorted(values, reverse=True)
    X, Y = np.random.default_rng(0).standard_normal((2, 20_000, 4))
    assert procrustes(X, Y) < 0.03


def test_chunks_do_not_change_the_value(monkeypatch):
    X, Y = draw_pair(0, 50, 5, 3)
    plain = procrustes(X, Y)
    monkeypatch.setattr(_moments, "IN_CACHE", 1)
    monkeypatch.setattr(_moments, "ROWS_AT_LEAST", 7)
    assert procrustes(X, Y) == pytest.approx(plain, rel=1e-12)


def test_two_rows_float32_and_extreme_scales():
    assert procrustes([[0.0, 1.0], [2.0, 5.0]], [[1.0], [7.0]]) == pytest.approx(1)
    X, Y = draw_pair(0, 50, 5, 3)
    assert procrustes(1e200 * X, 1e-200 * Y) == pytest.approx(procrustes(X, Y))
    far = X.astype(np.float32) + np.float32(1000), Y.astype(np.float32)
    assert procrustes(*far) == pytest.approx(procrustes(X, Y), abs=1e-4)


def test_tensors_on_an_accelerator(accelerated):
    for X, Y in (draw_pair(0, 50, 5, 3), draw_pair(1, 10, 30, 4)):
        value = procrustes(accelerated(X), accelerated(Y))
        assert value == pytest.approx(procrustes(X, Y), abs=1e-6)


def test_interval():
    X, Y = draw_pair(0, 300, 5, 3)
    found = procrustes(X, Y, ci=0.9)
    assert found.low < found.value == procrustes(X, Y) < found.high <= 1
    repeated = np.repeat([[0.0], [1.0]], [19, 1], axis=0)  # half of the halves are one point
    assert procrustes(repeated, repeated, ci=0.9).value == pytest.approx(1)


def test_rows_that_do_not_vary_are_refused():
    X, _ = draw_pair(0, 10, 3, 4)
    with pytest.raises(ValueError, match="Procrustes similarity is undefined: all 10 rows of Y"):
        procrustes(X, np.full((10, 2), 0.1))
