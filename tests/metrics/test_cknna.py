"""CKNNA: reference values, a naive form, its limit, laws, bad input."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from mibsk.metrics import Bootstrap, cka, cknna
from mibsk.metrics.neighbours import _neighbour_kernel

from .draws import draw_pair, few, seeds, textbook_neighbours

draw_pair = partial(draw_pair, d_x=4, d_y=3, centre=(0, 0))


def naive_hsic(K, L):
    """HSIC_1 of kernels with a diagonal of 0: Song et al. 2012, equation 5."""
    n, one = len(K), np.ones(len(K))
    mean = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    return (np.trace(K @ L) + mean - 2 / (n - 2) * (one @ K @ L @ one)) / (n * (n - 3))


def naive(X, Y, k, epsilon=0.0):
    """The published form, with full masks and kernels."""

    def mask(X):
        found = np.zeros((len(X), len(X)))
        np.put_along_axis(found, textbook_neighbours(X, k), 1, axis=1)
        return found

    def align(X, Y):
        both = mask(X) * mask(Y)
        return naive_hsic(both * (X @ X.T), both * (Y @ Y.T))

    return align(X, Y) / (np.sqrt(align(X, X) * align(Y, Y)) + epsilon)


@pytest.mark.parametrize("name", ["correlated", "wide", "independent"])
@pytest.mark.parametrize("k", [5, 10])
def test_reference_values(reference, name, k):
    """The reference adds 1e-6 to the denominator, which makes it depend on scale."""
    inputs, values = reference("metrics_inputs.npz"), reference("metrics_values.json")[name]
    X, Y = inputs[f"{name}_x"], inputs[f"{name}_y"]
    assert naive(X, Y, k, 1e-6) == pytest.approx(values[f"cknna_k{k}"], abs=1e-12)
    assert cknna(X, Y, k=k) == pytest.approx(naive(X, Y, k), abs=1e-12)
    assert cknna(X, Y, k=k) == pytest.approx(values[f"cknna_k{k}"], rel=1e-4)


@few
@given(seeds, st.integers(12, 40), st.integers(3, 11))
def test_equals_the_naive_form(seed, n, k):
    X, Y = draw_pair(seed, n)
    assert cknna(X, Y, k=k) == pytest.approx(naive(X, Y, k), abs=1e-9)


@few
@given(seeds, st.integers(6, 30))
def test_is_unbiased_cka_when_all_are_neighbours(seed, n):
    X, Y = draw_pair(seed, n)
    assert cknna(X, Y, k=n - 1) == pytest.approx(cka(X, Y, unbiased=True), abs=1e-8)


@few
@given(seeds, st.integers(15, 40), st.integers(4, 12))
def test_laws(seed, n, k):
    X, Y = draw_pair(seed, n)
    value = cknna(X, Y, k=k)
    assert cknna(X, X, k=k) == pytest.approx(1)
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    moved = (1e-3 * X @ ortho_group.rvs(4, random_state=rng))[order]
    assert cknna(moved, 1e3 * Y[order], k=k) == pytest.approx(value, abs=1e-8)


def test_is_nearly_symmetric_where_there_are_many_rows():
    X, Y = draw_pair(0, 600)
    assert cknna(X, Y) != cknna(Y, X)
    assert cknna(X, Y) == pytest.approx(cknna(Y, X), abs=0.01)


def test_noise_lowers_it_and_independent_rows_are_near_0():
    values = [cknna(*draw_pair(0, 600, noise=noise)) for noise in (0.1, 0.3, 1, 3)]
    assert values == sorted(values, reverse=True)
    X, Y = np.random.default_rng(0).standard_normal((2, 1000, 5))
    assert abs(cknna(X, Y)) < 0.02


def test_chunks_scales_and_tensors_on_an_accelerator(monkeypatch, accelerated):
    X, Y = draw_pair(0, 60)
    value = cknna(X, Y, k=5)
    for size in (1e-200, 1e-90, 1e90, 1e300):
        assert cknna(size * X, Y / size, k=5) == pytest.approx(value)
    assert cknna(accelerated(X), accelerated(Y), k=5) == pytest.approx(value, abs=1e-4)
    ci = Bootstrap(n_resamples=10)
    found = cknna(accelerated(X), accelerated(Y), k=5, ci=ci).replicates
    np.testing.assert_allclose(found, cknna(X, Y, k=5, ci=ci).replicates, atol=1e-4)
    monkeypatch.setattr(_neighbour_kernel, "CHUNK_SIZE", 45)
    assert cknna(X, Y, k=5) == pytest.approx(value, rel=1e-12)


def test_interval():
    X, Y = draw_pair(0, 200)
    found = cknna(X, Y, k=5, ci=Bootstrap(0.9, n_resamples=200))
    assert found.low < found.value == cknna(X, Y, k=5) < found.high


def test_bad_arguments():
    X, Y = draw_pair(0, 20)
    with pytest.raises(ValueError, match=r"k must be in 1\.\.19 .* got 20"):
        cknna(X, Y, k=20)
    with pytest.raises(ValueError, match="at least 4 rows, got 3"):
        cknna(X[:3], Y[:3], k=1)
    with pytest.raises(ValueError, match=r"an interval needs at least 22 rows"):
        cknna(X, Y, k=10, ci=0.9)
    for undefined in (np.zeros((20, 2)), np.full((20, 2), 0.1)):
        with pytest.raises(ValueError, match="CKNNA is undefined for k=19 and 20 rows"):
            cknna(X, undefined, k=19)
