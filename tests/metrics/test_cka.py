"""CKA: reference values, the naive form, its laws, and many rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from mibsk._checks import blocks
from mibsk.metrics import _moments, cka

from .draws import draw_pair, few, seeds

sizes = st.integers(1, 12)


def gram(X, kernel, sigma=1.0):
    if kernel == "linear":
        return X @ X.T
    return np.exp(-((X[:, None] - X) ** 2).sum(axis=-1) / (2 * sigma**2))


def naive_hsic(X, Y, unbiased, kernel="linear"):
    """HSIC up to the factor that cancels in CKA, from Gram matrices, as the papers print it."""
    n = len(X)
    K, L = gram(X, kernel), gram(Y, kernel)
    if not unbiased:
        H = np.eye(n) - 1 / n
        return np.trace(K @ H @ L @ H)
    np.fill_diagonal(K, 0)
    np.fill_diagonal(L, 0)
    one = np.ones(n)
    total = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    return np.trace(K @ L) + total - 2 / (n - 2) * (one @ K @ L @ one)


def naive_cka(X, Y, unbiased, kernel="linear"):
    scale = naive_hsic(X, X, unbiased, kernel) * naive_hsic(Y, Y, unbiased, kernel)
    return naive_hsic(X, Y, unbiased, kernel) / np.sqrt(scale)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("name", ["correlated", "wide", "independent"])
def test_reference_values(reference, name, kernel):
    inputs, values = reference("metrics_inputs.npz"), reference("metrics_values.json")[name]
    X, Y = inputs[f"{name}_x"], inputs[f"{name}_y"]
    key = {"linear": "cka_linear", "rbf": "cka_rbf_sigma1"}[kernel]
    assert cka(X, Y, kernel=kernel) == pytest.approx(values[key], abs=1e-7)
    # The reference adds 1e-6 to the denominator, here in units of HSIC_1; without it CKA is free of
    # scale. It is taken out of the reference value, not put into the metric.
    n = len(X)
    own = [naive_hsic(Z, Z, True, kernel) for Z in (X, Y)]
    denominator = np.sqrt(own[0] * own[1]) / (n * (n - 3))
    exact = values[f"{key}_unbiased"] * (denominator + 1e-6) / denominator
    assert cka(X, Y, kernel=kernel, unbiased=True) == pytest.approx(exact, abs=1e-7)


@few
@given(seeds, st.integers(5, 15), sizes, sizes, st.booleans())
def test_the_rbf_kernel_equals_the_naive_gram_form(seed, n, d_x, d_y, unbiased):
    X, Y = (Z / np.sqrt(Z.shape[1]) for Z in draw_pair(seed, n, d_x, d_y))
    expected = naive_cka(X, Y, unbiased, "rbf")
    assert cka(X, Y, kernel="rbf", unbiased=unbiased) == pytest.approx(expected, abs=1e-9)
    wide = cka(3 * X, 3 * Y, kernel="rbf", sigma=3.0, unbiased=unbiased)
    assert wide == pytest.approx(expected, abs=1e-9)


def test_a_wide_rbf_kernel_is_a_linear_one():
    X, Y = draw_pair(0, 50, 3, 4)
    assert cka(X, Y, kernel="rbf", sigma=1e2) == pytest.approx(cka(X, Y), abs=1e-3)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("shape", [(300, 5, 7), (12, 40, 5)])
def test_chunks_and_tiles_do_not_change_the_value(monkeypatch, unbiased, shape):
    X, Y = draw_pair(0, *shape)
    plain = [cka(X, Y, kernel=kernel, unbiased=unbiased) for kernel in ("linear", "rbf")]
    monkeypatch.setattr(_moments, "IN_CACHE", 1)
    monkeypatch.setattr(_moments, "ROWS_AT_LEAST", 7)
    monkeypatch.setattr(blocks, "TILE_SIZE", 700)
    found = [cka(X, Y, kernel=kernel, unbiased=unbiased) for kernel in ("linear", "rbf")]
    assert found == pytest.approx(plain, abs=1e-12)


@pytest.mark.parametrize("options", [{}, {"unbiased": True}, {"kernel": "rbf"}])
@pytest.mark.parametrize("shape", [(300, 5, 7), (12, 40, 5)])
def test_the_same_in_float32_and_on_an_accelerator(accelerated, options, shape):
    X, Y = draw_pair(0, *shape)
    expected = cka(X, Y, **options)
    assert cka(X.astype("f4"), Y.astype("f4"), **options) == pytest.approx(expected, abs=1e-6)
    assert cka(accelerated(X), accelerated(Y), **options) == pytest.approx(expected, abs=1e-5)
    assert cka(accelerated(X), Y, **options) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_noise_lowers_it_step_by_step(kernel):
    X, noise = np.random.default_rng(0).standard_normal((2, 400, 5)) / np.sqrt(5)
    values = [cka(X, X + s * noise, kernel=kernel, unbiased=True) for s in (0, 0.3, 1, 3, 10)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(1)
    assert values[-1] < 0.1


@pytest.mark.parametrize("unbiased", [False, True])
def test_duplicate_rows_count_like_others(unbiased):
    X, Y = (np.repeat(Z, 3, axis=0) for Z in draw_pair(0, 10, 3, 4))
    for kernel in ("linear", "rbf"):
        expected = naive_cka(X, Y, unbiased, kernel)
        assert cka(X, Y, kernel=kernel, unbiased=unbiased) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kernel": "poly"}, ValueError, r"kernel must be one of \['linear', 'rbf'\], got 'poly'"),
        ({"sigma": 0}, ValueError, "sigma must be a finite number >= 1e-12"),
        ({"sigma": "1"}, TypeError, "sigma must be a finite number"),
        ({"kernel": "rbf", "sigma": 1e-9}, ValueError, "far beyond the width sigma=1e-09"),
        (
            {"kernel": "rbf", "sigma": 1e-4, "unbiased": True},
            ValueError,
            "HSIC of X with itself is 0",
        ),
    ],
)
def test_bad_kernels(options, error, message):
    X, Y = draw_pair(0, 10, 3, 4)
    with pytest.raises(error, match=message):
        cka(X, Y, **options)


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


def test_two_rows_have_a_cka_of_1():
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
