"""Canonical directions, ridges and held-out correlations: values by hand, and limits."""

import numpy as np
import pytest

from mibsk.canonical import FoldedMoments, as_correlations, mean_correlation, solve
from mibsk.canonical._directions import Whitening, directions
from mibsk.canonical._held_out import decreasing
from mibsk.canonical._moments import Moments
from mibsk.canonical._ridge import (
    EXPONENTS,
    CrossFit,
    best_ridges,
    held_out_information,
    split_folds,
)
from mibsk.metrics.sharing import fisher_interval


def moments(covariance, widths):
    """Return the moments of 1,000 rows with this covariance."""
    d = len(covariance)
    return Moments(widths, np.zeros(d), 1000, np.zeros(d), 1000 * np.asarray(covariance))


def folded(views):
    found = FoldedMoments([X.shape[1] for X in views], np.concatenate([X[0] for X in views]))
    found.add(views)
    return found


def noisy(seed, n=200, widths=(8, 6), n_shared=2, noise=1.0):
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((n, n_shared))
    return [
        shared @ rng.standard_normal((n_shared, p)) + noise * rng.standard_normal((n, p))
        for p in widths
    ]


def test_of_independent_columns_that_correlate_in_pairs():
    S = np.diag([4.0, 1.0, 9.0, 1.0])
    S[0, 3] = S[3, 0] = 0.5 * 2 * 1
    S[1, 2] = S[2, 1] = 0.8 * 1 * 3
    whitening = Whitening.of(moments(S, (2, 2)))
    maps, correlations, _ = directions(whitening, [0.0, 0.0], 2)
    np.testing.assert_allclose(correlations, [0.8, 0.5])
    A, B = (np.abs(U @ M) for U, M in zip(whitening.axes, maps, strict=True))
    np.testing.assert_allclose(A, [[0, 0.5], [1, 0]], atol=1e-12)
    np.testing.assert_allclose(B, [[1 / 3, 0], [0, 1]], atol=1e-12)


def test_correlation_of_three_equal_pairs():
    R = np.full((3, 3), 0.4) + 0.6 * np.eye(3)
    whitening = Whitening.of(moments(R, (1, 1, 1)))
    maps, correlations, _ = directions(whitening, [0.0] * 3, 1)
    np.testing.assert_allclose(correlations, [0.4])
    np.testing.assert_allclose(np.abs(maps), 1)


def test_a_large_ridge_gives_the_directions_of_largest_covariance():
    """Those of partial least squares: singular vectors of the covariance between modalities."""
    total = folded(noisy(0)).total
    whitening = Whitening.of(total)
    maps, _, _ = directions(whitening, [1e9, 1e9], 2)
    u, _, vt = np.linalg.svd(total.covariance[:8, 8:])
    for axes, map_, expected in zip(whitening.axes, maps, (u[:, :2], vt[:2].T), strict=True):
        found = axes @ map_
        cosines = (found * expected).sum(axis=0) / np.linalg.norm(found, axis=0)
        np.testing.assert_allclose(np.abs(cosines), 1)


@pytest.mark.parametrize("widths", [(8, 6), (8, 6, 7)])
def test_steps_along_the_path_are_close_to_decompositions(widths):
    whitening = Whitening.of(folded(noisy(0, widths=widths)).total)
    start = None
    for ridge in 10.0**EXPONENTS:
        ridges = [ridge] * len(widths)
        _, got, start = directions(whitening, ridges, 4, start)
        _, expected, _ = directions(whitening, ridges, 4)
        np.testing.assert_allclose(got, expected, atol=0.02)
        np.testing.assert_allclose(got[0], expected[0], atol=1e-3)


def test_ridge_suits_the_rows():
    """Small for a strong nuisance beside what is shared, large for noise in many columns."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((100, 1))
    nuisance = [
        np.hstack([shared + 0.1 * rng.standard_normal((100, 1)), 5 * rng.standard_normal((100, 3))])
        for _ in range(2)
    ]
    assert best_ridges(split_folds(folded(nuisance).folds), 2, 4)[0] < 0.1
    assert best_ridges(split_folds(folded(noisy(0, n=50, widths=(60, 60))).folds), 2, 4)[0] >= 1


def test_held_out_rows_are_those_that_are_given():
    train, other = (folded(noisy(0, n=n)) for n in (200, 400))
    found = solve(train.folds, held_out=other.total, n_components=2)
    rows = [X - X.mean(axis=0) for X in noisy(0, n=400)]
    u, v = (X @ A for X, A in zip(rows, found.maps, strict=True))
    expected = [np.corrcoef(u[:, k], v[:, k])[0, 1] for k in range(2)]
    np.testing.assert_allclose(mean_correlation(found.held_out), expected)


def test_rows_that_are_repeated_do_not_narrow_the_interval():
    once, thrice = folded(noisy(0)), folded(noisy(0))
    for _ in range(2):
        thrice.restart()
        thrice.add(noisy(0))
    assert thrice.n_seen == 200
    one = solve(once.folds, ridge=0.1)
    other = solve(thrice.folds, ridge=0.1, n_draws=3)
    np.testing.assert_allclose(other.low, one.low)
    np.testing.assert_allclose(other.high, one.high)


def test_weights_and_kept_directions():
    found = solve(folded(noisy(0, n=2000)).folds)
    rho = found.smoothed
    np.testing.assert_allclose(found.weights[:2], np.sqrt(rho[:2] / (1 - rho[:2] ** 2)))
    assert found.n_kept("auto") == 2
    assert found.n_kept(rho[1] ** 2 - 1e-9) == 2
    assert found.n_kept(rho[1] ** 2 + 1e-9) == 1
    assert found.n_kept(0.999999) == 0


def test_interval_of_a_correlation():
    """Value of the textbook formula: r = 0.5, n = 103."""
    low, high = fisher_interval(np.array([0.5]), 103, 0.95)
    half = 1.959963984540054 / 10
    np.testing.assert_allclose(
        [low[0], high[0]], np.tanh(np.arctanh(0.5) + half * np.array([-1, 1]))
    )


def test_closest_decreasing_sequence():
    np.testing.assert_allclose(decreasing(np.array([0.9, 0.2, 0.4, 0.1])), [0.9, 0.3, 0.3, 0.1])
    assert decreasing(np.empty(0)).shape == (0,)


def test_an_empty_variate_is_uncorrelated():
    R = as_correlations(np.array([[[4.0, 0.0], [0.0, 0.0]], [[4.0, 3.0], [3.0, 9.0]]]))
    np.testing.assert_allclose(R, [[[1, 0], [0, 1]], [[1, 0.5], [0.5, 1]]])
    rounded = as_correlations(np.array([[[4.0, 1e-14], [1e-14, -1e-18]]]))
    np.testing.assert_array_equal(rounded, [[[1, 0], [0, 1]]])


def test_each_modality_has_its_ridge():
    """Searching each ridge finds at least as much information as a common one."""
    splits = split_folds(folded(noisy(0, n=60, widths=(5, 40))).folds)
    common, separate = (best_ridges(splits, 2, 4, separate=each) for each in (False, True))
    one, other = (
        held_out_information(CrossFit(splits, 4).scatter(ridges)) for ridges in (common, separate)
    )
    assert common[0] == common[1]
    assert separate[0] != separate[1]
    assert other > one
