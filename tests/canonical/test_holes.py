"""Rows that lack modalities: moments, directions, and the intervals of their correlations."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.canonical import (
    FoldedMoments,
    Moments,
    direction_information,
    near_mean,
    permutation_test,
    solve,
    whole_information,
)
from mibsk.canonical._held_out import effective_rows
from mibsk.canonical._joint_covariance import FLOOR, fit_to_margins, with_floor

few = settings(max_examples=15, deadline=None)
seeds = st.integers(0, 2**31)
STRENGTHS = (3.0, 1.5, 0.8)


def views(rng, n, widths=(6, 5, 4)):
    """Return views of three factors, with noise of variance 1."""
    shared = rng.standard_normal((n, 3)) * STRENGTHS
    found = []
    for width in widths:
        X = rng.standard_normal((n, width)) + 5
        X[:, :3] += shared
        found.append(X)
    return found


def folded(X, present=None, groups=None, n_chunks=1):
    origin = near_mean(X, present)
    found = FoldedMoments([x.shape[1] for x in X], origin, groups)
    for rows in np.array_split(np.arange(len(X[0])), n_chunks):
        found.add(
            [x[rows] for x in X], None if present is None else [mask[rows] for mask in present]
        )
    return found


def with_holes(X, present, value=np.nan):
    return [np.where(mask[:, None], x, value) for x, mask in zip(X, present, strict=True)]


def holes(rng, n, shares):
    return [rng.random(n) >= share for share in shares]


def assert_same(found, expected, rtol=1e-9):
    for a, b in zip(found.maps, expected.maps, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
    for name in ("held_out", "train", "low", "high", "n_independent"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=rtol, atol=rtol
        )


def test_nothing_missing_is_the_complete_result_bit_for_bit():
    X = views(np.random.default_rng(0), 400)
    groups = np.repeat(np.arange(80), 5)
    for given_groups in (None, groups):
        complete = folded(X, groups=given_groups)
        masked = folded(X, [np.ones(400, bool)] * 3, given_groups)
        assert masked.total.pairs is None
        a = solve(complete.folds, group_sums=complete.group_sums)
        b = solve(masked.folds, group_sums=masked.group_sums)
        for x, y in zip(a.maps, b.maps, strict=True):
            np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(a.low, b.low)


@few
@given(seeds)
def test_pair_sums_of_complete_rows_give_the_complete_result(seed):
    """What is computed pair by pair equals what is computed at once."""
    rng = np.random.default_rng(seed)
    X, groups = views(rng, 200), np.repeat(np.arange(40), 5)
    empty = [np.zeros(5), np.zeros(5), np.zeros(5)]  # rows without any modality add nothing
    more = [np.vstack([x, np.zeros((5, x.shape[1]))]) for x in X]
    present = [np.append(np.ones(200, bool), each > 0) for each in empty]
    complete = folded(X, groups=groups)
    holed = folded(more, present, np.append(groups, np.full(5, 99)))
    assert holed.total.pairs is not None
    np.testing.assert_allclose(holed.total.covariance, complete.total.covariance, atol=1e-12)
    np.testing.assert_allclose(holed.total.mean, complete.total.mean)
    np.testing.assert_allclose(holed.total.deviations, complete.total.deviations)
    a = solve(complete.folds, ridge=0.1, group_sums=complete.group_sums)
    b = solve([*holed.folds[:5]], ridge=0.1, group_sums=holed.group_sums)
    np.testing.assert_allclose(a.train, b.train, atol=1e-9)
    effects = complete.group_sums.design_effects(complete.total, a.maps)
    pairs = holed.group_sums.design_effects(holed.total, a.maps)
    mean = np.mean([pairs[:, m, k] for m, k in combinations(range(3), 2)], axis=0)
    np.testing.assert_allclose(mean, effects)


@few
@given(seeds, st.integers(1, 5))
def test_sums_do_not_depend_on_chunks_or_absent_values(seed, n_chunks):
    rng = np.random.default_rng(seed)
    X = views(rng, 120)
    present = holes(rng, 120, (0.2, 0.5, 0.0))
    a = folded(with_holes(X, present), present)
    b = folded(with_holes(X, present, 1e9), present, n_chunks=n_chunks)
    assert_same(solve(b.folds, ridge=0.1), solve(a.folds, ridge=0.1), rtol=1e-6)


@few
@given(seeds)
def test_moments_are_those_of_the_rows_that_have_what_they_need(seed):
    rng = np.random.default_rng(seed)
    X = views(rng, 400)
    present = holes(rng, 400, (0.3, 0.5, 0.4))
    total = folded(with_holes(X, present), present).total
    for m, part in enumerate(total.parts):
        rows = X[m][present[m]]
        np.testing.assert_allclose(total.mean[part], rows.mean(axis=0))
        np.testing.assert_allclose(total.deviations[part], rows.std(axis=0))
        block = total.covariance[part, part]
        np.testing.assert_allclose(block, np.cov(rows.T, bias=True), atol=1e-9)
    for m, k in combinations(range(3), 2):
        both = present[m] & present[k]
        joint = np.cov(np.hstack([X[m][both], X[k][both]]).T, bias=True)
        assert total.counts[m, k] == both.sum()
        np.testing.assert_allclose(total.of_pair(m, k).covariance, joint, atol=1e-9)


@few
@given(seeds, st.integers(2, 12))
def test_the_covariance_is_positive_definite(seed, n):
    """Also if there are fewer rows than columns, with the blocks within modalities as they are."""
    rng = np.random.default_rng(seed)
    X = views(rng, n + 6, (4, 3, 3))
    present = holes(rng, n + 6, (0.5, 0.5, 0.5))
    for mask in present:
        mask[:2] = True
    total = folded(with_holes(X, present), present).total
    covariance = total.covariance
    np.testing.assert_array_equal(covariance, covariance.T)
    values = np.linalg.eigvalsh(covariance)
    assert values[0] > -1e-9 * values[-1]
    for m, part in enumerate(total.parts):
        rows = X[m][present[m]]
        np.testing.assert_allclose(
            covariance[part, part], np.cov(rows.T, bias=True), atol=1e-9 * values[-1]
        )


@few
@given(seeds, st.integers(1, 5), st.integers(1, 5))
def test_fitting_to_margins_keeps_how_the_sides_depend_on_each_other(seed, p, q):
    """The blocks of the sides become the identity; that between them, in the inverse, stays."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((100, p + q)) @ rng.standard_normal((p + q, p + q))
    joint = np.corrcoef(rows.T) + 0.1 * np.eye(p + q)
    C = fit_to_margins(joint[:p, :p], joint[p:, p:], joint[:p, p:])
    found = np.block([[np.eye(p), C], [C.T, np.eye(q)]])
    assert np.linalg.eigvalsh(found)[0] > 0
    expected = np.linalg.inv(joint)[:p, p:]
    np.testing.assert_allclose(np.linalg.inv(found)[:p, p:], expected, atol=1e-3)


def test_of_two_modalities_one_of_which_is_complete_the_regression_is_kept():
    """Then the estimate has the largest likelihood (Anderson 1957)."""
    rng = np.random.default_rng(0)
    X, Y, _ = views(rng, 10_000)
    present = [np.ones(10_000, bool), np.arange(10_000) < 5000]
    total = folded([X, Y], present).total
    a, b = total.parts[:2]
    found = np.linalg.solve(total.covariance[a, a], total.covariance[a, b])
    pairs = np.cov(np.hstack([X, Y])[:5000].T)
    np.testing.assert_allclose(found, np.linalg.solve(pairs[:6, :6], pairs[:6, 6:]), atol=0.02)


def test_eigenvalues_have_a_floor():
    white = np.eye(4)
    white[0, 2] = white[2, 0] = 1.5  # no correlation
    white[1, 3] = white[3, 1] = 0.5
    expected = white.copy()
    expected[0, 2] = expected[2, 0] = 1.0
    found = with_floor(white, [slice(0, 2), slice(2, 4)])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.linalg.eigvalsh(found)[0] > FLOOR / 4
    assert with_floor(expected / 2 + np.eye(4) / 2, [slice(0, 2), slice(2, 4)])[0, 2] == 0.5


def test_modalities_without_common_rows_are_independent_given_the_others():
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((900, 1))
    X = [factor + s * rng.standard_normal((900, 1)) for s in (0.1, 0.5, 1.0, 1.5)]
    kind = rng.integers(0, 3, 900)
    present = [np.ones(900, bool), *(kind == m for m in range(3))]
    covariance = folded(with_holes(X, present), present).total.covariance
    precision = np.linalg.inv(covariance)[1:, 1:]
    np.testing.assert_allclose(precision - np.diag(np.diag(precision)), 0, atol=1e-6)


@pytest.mark.parametrize("pattern", ["random", "no row is complete", "one with each other"])
def test_directions_converge_to_the_complete_ones(pattern):
    rng = np.random.default_rng(0)
    n = 40_000
    X = views(rng, n)
    kind = rng.integers(0, 3, n)
    present = {
        "random": holes(rng, n, (0.3, 0.5, 0.4)),
        "no row is complete": [kind != m for m in range(3)],
        "one with each other": [np.ones(n, bool), kind == 0, kind != 0],
    }[pattern]
    expected = solve(folded(X).folds, ridge=0.0)
    moments = folded(with_holes(X, present), present)
    found = solve(moments.folds, ridge=0.0)
    np.testing.assert_allclose(found.smoothed[:3], expected.smoothed[:3], atol=0.02)
    assert found.significant[:3].all()
    assert found.n_kept("auto") == expected.n_kept("auto")
    for m, x in enumerate(X):
        a, b = x @ expected.maps[m][:, :3], x @ found.maps[m][:, :3]
        R = np.corrcoef(a.T, b.T)[:3, 3:]
        assert np.abs(np.diag(R)).min() > 0.99
    assert (found.n_independent <= n - 5).all()
    assert found.high[0] - found.low[0] < 0.02


def test_two_modalities_take_the_cross_block_from_the_pairs():
    rng = np.random.default_rng(1)
    X, Y, _ = views(rng, 600)
    present = [np.arange(600) < 500, np.arange(600) >= 300]
    moments = folded(with_holes([X, Y], present), present)
    found = solve(moments.folds, ridge=0.0)
    pairs = moments.total.of_pair(0, 1)
    assert pairs.n == 200
    assert found.n_independent == pytest.approx(np.full(len(found.low), 195))
    np.testing.assert_allclose(found.means[0], X[:500].mean(axis=0))
    # the correlation of a direction is that of its variates in the pairs
    u, v = X[300:500] @ found.maps[0], Y[300:500] @ found.maps[1]
    expected = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(u.shape[1])]
    np.testing.assert_allclose(found.train[:, 0, 1], expected, atol=1e-9)


@pytest.mark.parametrize(("p", "n_pairs", "rho", "gain"), [(20, 30, 0.99, 1.2), (5, 60, 0.9, 0.98)])
def test_rows_without_a_partner_are_of_use(p, n_pairs, rho, gain):
    """Information of the variates of new pairs, relative to that without rows that lack a side."""
    complete = with_more = 0.0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        factors = rng.standard_normal((6000, 3))
        new, X = slice(2000, None), []
        for _ in range(2):
            u = np.sqrt(rho) * factors + np.sqrt(1 - rho) * rng.standard_normal((6000, 3))
            other = rng.standard_normal((6000, p - 3))
            mixing = np.linalg.qr(rng.standard_normal((p, p)))[0] * np.logspace(0, -1, p)
            X.append(np.hstack([u, other]) @ mixing)
        present = [np.arange(2000) < n_pairs, np.arange(2000) < n_pairs]
        present = [mask | (np.arange(2000) % 2 == side) for side, mask in enumerate(present)]

        def information(moments, X=X, new=new):
            found = solve(moments.folds, n_components=3)
            u, v = (x[new] @ A for x, A in zip(X, found.maps, strict=True))
            R = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(u.shape[1])]
            return -0.5 * np.log1p(-(np.clip(R, 0, 1) ** 2)).sum()

        complete += information(folded([x[:n_pairs] for x in X]))
        with_more += information(folded(with_holes([x[:2000] for x in X], present), present))
    assert with_more > gain * complete


def test_intervals_of_few_pairs_contain_the_correlation():
    """The coverage of 95 % intervals, with unpaired rows in plenty."""
    inside = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        factor = rng.standard_normal((1200, 1))
        X, Y = (factor + rng.standard_normal((1200, 1)) for _ in range(2))  # correlation 0.5
        present = [np.arange(1200) < 700, np.arange(1200) >= 500]
        found = solve(folded([X, Y], present).folds, ridge=0.0)
        inside += found.low[0] <= 0.5 <= found.high[0]
    assert 89 <= inside <= 100


def test_effective_rows():
    counts = np.array([[500, 100, 400], [100, 500, 0], [400, 0, 500.0]])
    # standard errors of 1/10 and 1/20; two modalities have no common rows
    assert effective_rows(counts) == pytest.approx(0.075**-2)
    assert effective_rows(np.full((3, 3), 100.0)) == pytest.approx(100)
    effects = np.ones((2, 3, 3))
    effects[1] = 4
    np.testing.assert_allclose(effective_rows(counts, effects), [0.075**-2, 0.15**-2])
    assert effective_rows(np.zeros((2, 2))) == 0


def test_moments_of_folds_can_be_subtracted():
    rng = np.random.default_rng(0)
    X = views(rng, 100)
    present = holes(rng, 100, (0.2, 0.2, 0.2))
    moments = folded(with_holes(X, present), present)
    rest = moments.total - moments.folds[0]
    expected = sum(moments.folds[2:], start=moments.folds[1])
    np.testing.assert_array_equal(rest.counts, expected.counts)
    np.testing.assert_allclose(rest.covariance, expected.covariance, atol=1e-9)
    scale = np.arange(1.0, 16)
    np.testing.assert_allclose(
        rest.rescaled(scale).covariance, rest.covariance / np.outer(scale, scale), atol=1e-9
    )
    assert Moments.empty((2, 3), np.zeros(5)).pairs is None


def test_the_information_of_two_modalities_is_that_of_the_pairs():
    rng = np.random.default_rng(0)
    X, Y, _ = views(rng, 600)
    present = [np.arange(600) < 500, np.arange(600) >= 300]
    total = folded(with_holes([X, Y], present), present).total
    pairs = folded([X[300:500], Y[300:500]]).total
    found, expected = whole_information(total, 600, 0.95), whole_information(pairs, 200, 0.95)
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )


def test_information_of_correlations_that_are_no_joint_distribution():
    strong, weak = -0.5 * np.log(1 - 0.81), -0.5 * np.log(1 - 0.25)
    R = np.array([[1, 0.9, np.nan], [0.9, 1, 0.5], [np.nan, 0.5, 1]])
    indefinite = np.array([[1, 0.9, 0.0], [0.9, 1, 0.5], [0.0, 0.5, 1]])
    found = direction_information(np.stack([R, indefinite]))
    np.testing.assert_allclose(found, strong + weak)
    R[0, 2] = R[2, 0] = (
        0.45  # the first and the last, given the second, do not depend on each other
    )
    assert direction_information(R[None]) == pytest.approx(strong + weak)


def test_permutation_test_of_rows_with_holes():
    rng = np.random.default_rng(0)
    X = views(rng, 400)
    present = holes(rng, 400, (0.3, 0.3, 0.3))
    options = {"n_components": 5, "n_permutations": 39, "level": 0.05}
    rows = with_holes(X, present)
    found = permutation_test(rows, rng=np.random.default_rng(1), present=present, **options)
    assert found.n_components == 3
    independent = [rows[0], *(x[rng.permutation(400)] for x in X[1:])]
    null = permutation_test(
        with_holes(independent, present), rng=np.random.default_rng(1), present=present, **options
    )
    assert null.n_components == 0
    complete = permutation_test(X, rng=np.random.default_rng(1), **options)
    masked = permutation_test(
        X, rng=np.random.default_rng(1), present=[np.ones(400, bool)] * 3, **options
    )
    np.testing.assert_array_equal(complete.statistics, masked.statistics)


def test_p_values_of_independent_rows_are_uniform():
    p_values = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = [rng.standard_normal((60, 2)) for _ in range(3)]
        present = holes(rng, 60, (0.4, 0.4, 0.4))
        found = permutation_test(
            X, n_components=1, n_permutations=19, level=0.5, rng=rng, present=present
        )
        p_values.append(found.p_values[0])
    assert 0.4 < np.mean(p_values) < 0.65  # 0.525 expected, standard deviation 0.037


def test_nothing_is_found_in_rows_without_a_pair():
    X, Y, _ = views(np.random.default_rng(0), 60)
    present = [np.arange(60) < 30, np.arange(60) >= 30]
    found = permutation_test(
        [X, Y],
        n_components=3,
        n_permutations=9,
        level=0.05,
        rng=np.random.default_rng(0),
        present=present,
    )
    assert found.n_components == 0
    assert found.p_values[0] == 1
