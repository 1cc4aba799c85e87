"""Linear CKA: reference values, the naive form, and its laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from mibsk.metrics import cka

few = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 12)


def naive_hsic(X, Y, unbiased):
    """HSIC up to the factor that cancels in CKA, from Gram matrices, as the papers print it."""
    n = len(X)
    K, L = X @ X.T, Y @ Y.T
    if not unbiased:
        H = np.eye(n) - 1 / n
        return np.trace(K @ H @ L @ H)
    np.fill_diagonal(K, 0)
    np.fill_diagonal(L, 0)
    one = np.ones(n)
    total = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    return np.trace(K @ L) + total - 2 / (n - 2) * (one @ K @ L @ one)


def naive_cka(X, Y, unbiased):
    scale = naive_hsic(X, X, unbiased) * naive_hsic(Y, Y, unbiased)
    return naive_hsic(X, Y, unbiased) / np.sqrt(scale)


def draw_pair(seed, n, d_x, d_y):
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((n, 2))
    X = shared @ rng.standard_normal((2, d_x)) + rng.standard_normal((n, d_x))
    Y = shared @ rng.standard_normal((2, d_y)) + rng.standard_normal((n, d_y))
    return X + 1, Y - 2


@pytest.mark.parametrize("name", ["correlated", "wide", "independent"])
def test_reference_values(reference, name):
    inputs, values = reference("metrics_inputs.npz"), reference("metrics_values.json")[name]
    X, Y = inputs[f"{name}_x"], inputs[f"{name}_y"]
    assert cka(X, Y) == pytest.approx(values["cka_linear"], abs=1e-9)
    # The reference adds 1e-6 to the denominator, here in units of HSIC_1; without it CKA is free of
    # scale. It is taken out of the reference value, not put into the metric.
    n = len(X)
    denominator = np.sqrt(naive_hsic(X, X, True) * naive_hsic(Y, Y, True)) / (n * (n - 3))
    exact = values["cka_linear_unbiased"] * (denominator + 1e-6) / denominator
    assert cka(X, Y, unbiased=True) == pytest.approx(exact, abs=1e-9)


@few
@given(seeds, st.integers(5, 15), sizes, sizes, st.booleans())
def test_equals_the_naive_gram_form(seed, n, d_x, d_y, unbiased):
    X, Y = draw_pair(seed, n, d_x, d_y)
    assert cka(X, Y, unbiased=unbiased) == pytest.approx(naive_cka(X, Y, unbiased), abs=1e-9)


@few
@given(seeds, st.integers(5, 15), sizes, sizes, st.booleans())
def test_laws(seed, n, d_x, d_y, unbiased):
    X, Y = draw_pair(seed, n, d_x, d_y)
    value = cka(X, Y, unbiased=unbiased)
    assert (-1 if unbiased else 0) <= value <= 1
    assert cka(Y, X, unbiased=unbiased) == pytest.approx(value, abs=1e-12)
    assert cka(X, X, unbiased=unbiased) == pytest.approx(1)
    rng = np.random.default_rng(seed)
    rotation = ortho_group.rvs(d_x, random_state=rng) if d_x > 1 else -np.eye(1)
    moved = 1e-4 * X @ rotation + rng.standard_normal(d_x)
    order = rng.permutation(n)
    assert cka(moved[order], 1e3 * Y[order], unbiased=unbiased) == pytest.approx(value, abs=1e-7)


def test_unbiased_is_near_zero_for_independent_data_where_biased_is_not():
    draws = [np.random.default_rng(seed).standard_normal((2, 60, 30)) for seed in range(30)]
    assert np.mean([cka(X, Y) for X, Y in draws]) > 0.3
    assert abs(np.mean([cka(X, Y, unbiased=True) for X, Y in draws])) < 0.01


def test_two_rows_are_always_alike():
    # after centring, two rows differ in one direction only
    assert cka([[0.0, 1.0], [2.0, 5.0]], [[1.0], [7.0]]) == pytest.approx(1)


def test_extreme_scales_neither_overflow_nor_underflow():
    X, Y = draw_pair(0, 10, 3, 4)
    assert cka(1e200 * X, 1e-200 * Y) == pytest.approx(cka(X, Y))


@pytest.mark.parametrize("unbiased", [False, True])
def test_constant_rows_are_refused(unbiased):
    X, _ = draw_pair(0, 10, 3, 4)
    with pytest.raises(ValueError, match="all 10 rows of Y are equal"):
        cka(X, np.full((10, 2), 0.1), unbiased=unbiased)


def test_unbiased_needs_four_rows_and_variance_beyond_one_outlier():
    X, Y = draw_pair(0, 10, 3, 4)
    with pytest.raises(ValueError, match="at least 4 rows, got 3"):
        cka(X[:3], Y[:3], unbiased=True)
    outlier = np.zeros((10, 1))
    outlier[0] = 1
    with pytest.raises(ValueError, match="HSIC of X with itself is 0"):
        cka(outlier, Y, unbiased=True)
