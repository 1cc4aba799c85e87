"""Gaussian information: values by hand, and coverage of its interval."""

import numpy as np
import pytest
from scipy import special

from mibsk import CanonicalBottleneck, ClassPairs
from mibsk.canonical import Moments, direction_information, whole_information


def moments(X, widths):
    """Return the moments of rows (n, D) of modalities side by side."""
    origin = X.mean(axis=0)
    return Moments.of_rows(widths, origin, X - origin)


def correlated(rho, n_modalities=2):
    """Return the covariance of modalities whose k-th columns have the correlation rho[k]."""
    R = np.kron(np.ones((n_modalities, n_modalities)), np.diag(rho))
    np.fill_diagonal(R, 1.0)
    return R


def draw(rng, R, n):
    return rng.standard_normal((n, len(R))) @ np.linalg.cholesky(R).T


def test_value_of_one_column_each():
    """For two columns of n rows the bias of -1/2 log(1 - r^2) is known in terms of digamma."""
    X = draw(np.random.default_rng(0), correlated([0.6]), 40)
    r = np.corrcoef(X.T)[0, 1]
    bias = 0.5 * (special.digamma(39 / 2) - special.digamma(38 / 2))
    found = whole_information(moments(X, (1, 1)), 40, 0.95)
    assert found.value == pytest.approx(-0.5 * np.log(1 - r**2) - bias)


def test_of_three_modalities_is_the_multi_information():
    R = correlated([0.5, 0.3], n_modalities=3)
    X = draw(np.random.default_rng(0), R, 100_000)
    found = whole_information(moments(X, (2, 2, 2)), len(X), 0.95)
    exact = -0.5 * np.linalg.slogdet(R)[1]
    assert found.low < exact < found.high
    assert found.value == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize(
    ("rho", "n_modalities"),
    [([0.0, 0.0], 2), ([0.2, 0.2], 2), ([0.9, 0.4, 0.0], 2), ([0.95] * 4, 2), ([0.4, 0.0], 3)],
    ids=str,
)
def test_the_estimate_is_unbiased_and_its_interval_covers(rho, n_modalities):
    R = correlated(rho, n_modalities)
    exact, n = -0.5 * np.linalg.slogdet(R)[1], 60
    found = [
        whole_information(moments(draw(np.random.default_rng(seed), R, n), widths), n, 0.9)
        for widths in [(len(rho),) * n_modalities]
        for seed in range(1000)
    ]
    covered = np.mean([each.low <= exact <= each.high for each in found])
    assert 0.87 < covered < 0.97  # higher at the boundary 0, where only the upper end can fail
    values = np.array([each.value for each in found])
    if min(rho) > 0.3:  # else values below 0 are cut off
        assert values.mean() == pytest.approx(exact, abs=4 * values.std() / np.sqrt(1000))


def test_constant_and_collinear_columns_do_not_count():
    X = draw(np.random.default_rng(0), correlated([0.8, 0.3]), 200)
    more = np.hstack([X[:, :2], np.full((200, 1), 7.0), X[:, :1] - X[:, 1:2], X[:, 2:]])
    expected = whole_information(moments(X, (2, 2)), 200, 0.95)
    found = whole_information(moments(more, (4, 2)), 200, 0.95)
    np.testing.assert_allclose(list(found), list(expected), rtol=1e-8)


def test_is_undefined_for_too_few_rows_and_for_functions_of_each_other():
    X = np.random.default_rng(0).standard_normal((60, 4))
    assert whole_information(moments(np.hstack([X[:9], X[:9]]), (4, 4)), 9, 0.95) is None
    assert whole_information(moments(np.hstack([X, X[:, :2]]), (4, 2)), 60, 0.95) is None


def test_information_of_a_direction():
    R = np.array([[[1.0, 0.6], [0.6, 1.0]], [[1.0, 0.0], [0.0, 1.0]]])
    np.testing.assert_allclose(direction_information(R), [-0.5 * np.log(0.64), 0.0])
    reversed_ = np.array([[[1.0, -0.6], [-0.6, 1.0]]])
    np.testing.assert_array_equal(direction_information(reversed_), [0.0])


def test_of_drawn_partners_is_that_of_the_kept_directions():
    """The bias for pairs that occur with several partners is not that of independent rows."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 50)
    centres = 2 * rng.standard_normal((4, 6))
    rows = {name: (centres[labels] + rng.standard_normal((200, 6)), labels) for name in "ab"}
    model = CanonicalBottleneck().fit(ClassPairs(rows, random_state=0))
    kept = model.correlations_[model.correlations_["kept"]]
    assert model.information_.value == pytest.approx(kept["information"].sum())
