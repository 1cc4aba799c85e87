"""Parts of a diagnosis: power, intervals of means, blocks of rows, hits and permuted groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mibsk.canonical import permutation_test
from mibsk.reporting.diagnosis._held_out import Blocks, ClosedForms, first_is_relevant
from mibsk.reporting.diagnosis._nonlinear import with_kernel
from mibsk.reporting.diagnosis._numbers import mean_difference, share_of_rows
from mibsk.reporting.diagnosis._power import information, noncentrality, rows_needed, visible
from mibsk.reporting.diagnosis._shared import equal_groups, pairing_test


def test_the_power_is_that_of_the_permutation_test():
    rho, p, n_samples = 0.5, 5, 60
    n = round(rows_needed(rho, [p, p]))
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(n_samples):
        X, Y = rng.standard_normal((2, n, p))
        Y[:, 0] = rho * X[:, 0] + np.sqrt(1 - rho**2) * Y[:, 0]
        how = {"n_components": 1, "n_permutations": 59, "level": 0.05, "rng": rng}
        seen += permutation_test([X, Y], **how).n_components
    assert 0.65 < seen / n_samples < 0.95


def test_information_of_one_correlation():
    assert information(0.6, 2) == pytest.approx(-np.log(1 - 0.36))
    R = np.full((4, 4), 0.3) + 0.7 * np.eye(4)
    assert information(0.3, 4) == pytest.approx(-np.log(np.linalg.det(R)))


@pytest.mark.parametrize("p", [1, 10, 40])
def test_noncentrality_gives_the_power(p):
    d = p * p
    found = stats.ncx2.sf(stats.chi2.ppf(0.95, d), d, noncentrality([p, p]))
    assert found == pytest.approx(0.8, abs=0.01)


@given(rho=st.floats(0.05, 0.95), p=st.integers(1, 60), q=st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_the_visible_correlation_needs_these_rows(rho, p, q):
    n = rows_needed(rho, [p, q])
    found = visible(n, [p, q])
    if n < 2 * (p + q):
        assert found is None
    else:
        assert found == pytest.approx(rho)
        assert rows_needed(min(rho + 0.01, 0.96), [p, q]) < n < rows_needed(rho, [p + 1, q])


def test_wilson_interval_of_a_share():
    found = share_of_rows(np.array([1.0, 0.0] * 5), None, 0.95)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.2366, 0.7634), abs=1e-4)
    nothing = share_of_rows(np.zeros(10), None, 0.95)
    assert (nothing.value, nothing.low, nothing.high) == pytest.approx((0, 0, 0.2775), abs=1e-4)
    # five groups of two equal rows are five rows
    doubled = share_of_rows(np.repeat([1.0, 0, 1, 0, 1], 2), np.repeat(np.arange(5), 2), 0.95)
    single = share_of_rows(np.array([1.0, 0, 1, 0, 1]), None, 0.95)
    assert (doubled.low, doubled.high) == pytest.approx((single.low, single.high))


def test_students_interval_of_a_difference():
    values = np.random.default_rng(0).standard_normal(30)
    found = mean_difference(values, None, 0.9)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    doubled = mean_difference(np.repeat(values, 3), np.repeat(np.arange(30), 3), 0.9)
    assert (doubled.low, doubled.high) == pytest.approx((found.low, found.high))


@pytest.mark.parametrize(("n", "n_parts"), [(20, 1), (40, 2), (79, 2), (80, 4), (1000, 4)])
def test_blocks_are_equal_and_folds_disjoint(n, n_parts):
    blocks = Blocks.of(n, None, np.random.default_rng(0))
    assert (blocks.n_folds, blocks.n_parts) == (5, n_parts)
    sizes = np.bincount(blocks.of_row, minlength=5 * n_parts)
    assert sizes.max() - sizes.min() <= 1
    rows = [blocks.held_out(fold, np.random.default_rng(0)) for fold in range(5)]
    assert np.array_equal(np.sort(np.concatenate(rows)), np.arange(n))
    for fold, held in enumerate(rows):
        used = np.concatenate(blocks.training(fold, n_parts))
        trained = np.flatnonzero(np.isin(blocks.of_row, used))
        assert np.array_equal(np.sort(np.append(trained, held)), np.arange(n))


@pytest.mark.parametrize(("n_groups", "n_folds", "n_parts"), [(3, 3, 1), (12, 5, 2), (30, 5, 4)])
def test_groups_are_in_one_block(n_groups, n_folds, n_parts):
    groups = np.random.default_rng(0).permutation(np.arange(600) % n_groups)
    blocks = Blocks.of(600, groups, np.random.default_rng(0))
    assert (blocks.n_folds, blocks.n_parts) == (n_folds, n_parts)
    assert all(len(set(blocks.of_row[groups == group])) == 1 for group in range(n_groups))


def test_ties_count_by_their_share():
    scores = np.array([[3.0, 1, 2], [2, 2, 1], [1, 1, 1]])
    np.testing.assert_allclose(first_is_relevant(scores, np.eye(3, dtype=bool)), [1, 1 / 2, 1 / 3])
    same = np.array([[True, True, False], [True, True, False], [False, False, True]])
    np.testing.assert_allclose(first_is_relevant(scores, same), [1, 1, 1 / 3])


def test_hits_are_those_of_recall():
    from mibsk.metrics import recall_at_k

    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 4))
    views = [X, X + 0.5 * rng.standard_normal(X.shape)]
    views = [view - view.mean(axis=0) for view in views]
    blocks = Blocks.of(200, None, rng)
    closed = ClosedForms(views, blocks, separate_ridges=True)
    solution = closed.fit(blocks.training(0, 4))
    held = blocks.held_out(0, rng)
    found = closed.hits(solution, held, np.arange(200)[held]).mean()
    k = solution.n_kept("auto")
    Z, W = (
        (view[held] - mean) @ A[:, :k] * solution.weights[:k]
        for view, mean, A in zip(views, solution.means, solution.maps, strict=True)
    )
    Z, W = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (Z, W))
    assert found == pytest.approx((recall_at_k(Z, W, k=1) + recall_at_k(W, Z, k=1)) / 2)


def test_equal_groups_keep_pairs_and_whole_blocks():
    groups = np.repeat(np.arange(5), [6, 3, 3, 3, 1])
    rows, size = equal_groups(groups, 16, 100, np.random.default_rng(0))
    assert (size, len(rows)) == (3, 12)
    blocks = groups[rows].reshape(-1, 3)
    assert (blocks == blocks[:, :1]).all()
    assert sorted(set(blocks[:, 0])) == [0, 1, 2, 3]
    assert len(set(rows)) == 12
    rows, size = equal_groups(groups, 16, 4, np.random.default_rng(0))
    assert (size, len(rows)) == (1, 4)
    assert len(set(groups[rows])) == 4


def test_permutations_of_groups_keep_their_rows_together():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(30), 8)
    X, Y = (
        rng.standard_normal((30, 3))[group] + 0.1 * rng.standard_normal((240, 3)) for _ in range(2)
    )
    how = {"n_permutations": 59, "rng": rng}
    assert pairing_test([X, Y], None, **how).p_value == 1 / 60
    assert pairing_test([X, Y], group, **how).p_value > 0.05
    assert pairing_test([X, X], group, **how).p_value == 1 / 60


def test_one_row_together_is_the_test_of_rows():
    rng = np.random.default_rng(0)
    rows = [rng.standard_normal((40, 3)) for _ in range(2)]
    how = {"n_components": 2, "n_permutations": 19, "level": 1.0}
    one, two = (
        permutation_test(rows, rng=np.random.default_rng(1), **how, **more)
        for more in ({}, {"rows_together": 1})
    )
    np.testing.assert_array_equal(one.p_values, two.p_values)


def test_features_of_a_kernel():
    views = [np.random.default_rng(0).standard_normal((50, 3)), np.zeros((50, 1))]
    found = with_kernel(views, np.random.default_rng(0))
    assert [each.shape for each in found] == [(50, 28), (50, 26)]
    np.testing.assert_allclose(found[0].mean(axis=0), 0, atol=1e-12)
    assert found[0][:, :3].var(axis=0).sum() == pytest.approx(1)
    assert found[0][:, 3:].var(axis=0).sum() == pytest.approx(1)
    assert np.isfinite(found[1]).all()
