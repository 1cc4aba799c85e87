"""PWCCA: the published form, from independent canonical correlations, laws, bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import qr
from scipy.stats import ortho_group

from mibsk.metrics import pwcca, svcca

from .draws import draw_pair, few, seeds


def naive(X, Y):
    """Morcos et al., section 2, with orthonormal bases of the columns by QR."""
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    basis_x, basis_y = (qr(Z, mode="economic")[0] for Z in (X, Y))
    left, correlations, _ = np.linalg.svd(basis_x.T @ basis_y, full_matrices=False)
    variates = (basis_x @ left).T
    weights = [sum(abs(variate @ column) for column in X.T) for variate in variates]
    return np.average(correlations, weights=weights)


@few
@given(seeds, st.integers(20, 100), st.integers(1, 8), st.integers(1, 8))
def test_equals_the_naive_form(seed, n, d_x, d_y):
    X, Y = draw_pair(seed, n, d_x, d_y)
    assert pwcca(X, Y) == pytest.approx(naive(X, Y), abs=1e-8)


@few
@given(seeds, st.integers(2, 60), st.integers(1, 70), st.integers(1, 70))
def test_laws(seed, n, d_x, d_y):
    X, Y = draw_pair(seed, n, d_x, d_y)
    value = pwcca(X, Y)
    assert 0 <= value <= 1
    assert pwcca(X, X) == pytest.approx(1, abs=1e-6)
    if n - 1 <= max(d_x, d_y):
        assert value == pytest.approx(1, abs=1e-6)
    if n > d_x + d_y:  # else correlations are 1 whose directions are any
        rng = np.random.default_rng(seed)
        order = rng.permutation(n)
        moved = (1e3 * X + rng.standard_normal(d_x))[order], (1e-3 * Y)[order]
        assert pwcca(*moved) == pytest.approx(value, abs=1e-6)


@few
@given(seeds)
def test_only_the_columns_of_the_side_that_weighs_count(seed):
    X, Y = draw_pair(seed)
    rng = np.random.default_rng(seed)
    rotation = ortho_group.rvs(4, random_state=rng)
    assert pwcca(X, Y @ rotation * [1, 2, 3, 4]) == pytest.approx(pwcca(X, Y), abs=1e-8)
    assert abs(pwcca(X, Y) - pwcca(Y, X)) > 1e-6


@pytest.mark.parametrize("scale", [0.01, 1, 3, 100])
def test_hand_value(scale):
    """Uncorrelated columns, each of which the other side has with noise of its own."""
    parts = np.random.default_rng(0).standard_normal((50, 4))
    parts = qr(parts - parts.mean(axis=0), mode="economic")[0]
    X, Y = parts[:, :2] * [1, scale], parts[:, :2] + parts[:, 2:] * [0.5, 2]
    correlations = 1 / np.sqrt([1.25, 5])
    assert pwcca(X, Y) == pytest.approx(np.average(correlations, weights=[1, scale]))
    assert pwcca(X[:, :1], Y) == pytest.approx(correlations[0])
    assert svcca(X, Y) == pytest.approx(correlations.mean())


def test_noise_lowers_it():
    values = [pwcca(*draw_pair(0, 2000, noise=noise)) for noise in (0.1, 0.3, 1, 3, 10)]
    assert values == sorted(values, reverse=True)


def test_redundant_columns_do_not_change_it():
    X, Y = draw_pair(0)
    padded = np.hstack([Y, Y[:, :1] + Y[:, 1:2], np.full((len(Y), 2), 0.1)])
    assert pwcca(X, padded) == pytest.approx(pwcca(X, Y))
    assert pwcca(X.astype(np.float32), padded.astype(np.float32)) == pytest.approx(
        pwcca(X, Y), abs=1e-5
    )


def test_extreme_scales_and_tensors_on_an_accelerator(accelerated):
    X, Y = draw_pair(0)
    assert pwcca(1e200 * X, 1e-200 * Y) == pytest.approx(pwcca(X, Y))
    assert pwcca(accelerated(X), accelerated(Y)) == pytest.approx(pwcca(X, Y), abs=1e-5)


def test_interval():
    X, Y = draw_pair(0, 400)
    found = pwcca(X, Y, ci=0.9)
    assert found.low < found.value == pwcca(X, Y) < found.high


def test_rows_that_do_not_vary_are_refused():
    _, Y = draw_pair(0)
    with pytest.raises(ValueError, match="PWCCA is undefined: all 200 rows of X are equal"):
        pwcca(np.full((200, 2), 0.1), Y)
