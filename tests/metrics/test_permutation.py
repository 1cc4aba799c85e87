"""Permutation tests: exact p-values, uniform under the null, and the fast forms."""

import numpy as np
import pytest
from scipy.stats import kstest
from scipy.stats import permutation_test as scipy_permutation_test

from mibsk.metrics import (
    alignment,
    cka,
    consistency,
    cycle_knn,
    edit_distance_knn,
    lcs_knn,
    modality_gap,
    mutual_knn,
    permutation_test,
    procrustes,
    pwcca,
    recall_at_k,
    svcca,
)

from .draws import related


def correlation(X, Y):
    return float(np.corrcoef(X[:, 0], Y[:, 0])[0, 1])


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_agrees_with_scipy(alternative):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(40)
    y = 0.3 * x + rng.standard_normal(40)
    ours = permutation_test(
        correlation, x[:, None], y[:, None], alternative=alternative, n_permutations=4000
    )
    theirs = scipy_permutation_test(
        (y,),
        lambda y: np.corrcoef(x, y)[0, 1],
        permutation_type="pairings",
        alternative=alternative,
        n_resamples=4000,
        rng=np.random.default_rng(1),
        vectorized=False,
    )
    assert ours.value == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=0.02)


@pytest.mark.parametrize(
    ("metric", "options"),
    [
        (cka, {}),
        (cka, {"unbiased": True}),
        (cka, {"kernel": "rbf"}),
        (mutual_knn, {"k": 4}),
        (cycle_knn, {"k": 4}),
        (lcs_knn, {"k": 4}),
        (edit_distance_knn, {"k": 4}),
        (svcca, {"n_components": 3}),
        (svcca, {}),
        (procrustes, {}),
        (consistency, {}),
        (recall_at_k, {}),
    ],
)
@pytest.mark.parametrize("shape", [(40, 5), (12, 30)])
def test_equals_computing_anew(metric, options, shape, accelerated):
    n, d = shape
    X, Y = related(0, n=n, d=d)
    Y = Y if metric is recall_at_k else Y[:, :5]
    found = permutation_test(metric, X, Y, n_permutations=7, **options)
    rng = np.random.default_rng(0)
    expected = [metric(X, Y[rng.permutation(n)], **options) for _ in range(7)]
    np.testing.assert_allclose(found.null, expected, atol=1e-12)
    assert found.value == metric(X, Y, **options)
    on_gpu = permutation_test(metric, accelerated(X), accelerated(Y), n_permutations=7, **options)
    np.testing.assert_allclose(on_gpu.null, expected, atol=1e-4)


def test_pwcca_is_computed_anew_where_it_is_unique():
    X, Y = related(0)
    found = permutation_test(pwcca, X, Y, n_permutations=7)
    rng = np.random.default_rng(0)
    expected = [pwcca(X, Y[rng.permutation(80)]) for _ in range(7)]
    np.testing.assert_allclose(found.null, expected, atol=1e-9)


def test_p_values_are_uniform_where_rows_do_not_belong_together():
    draws = [np.random.default_rng(seed).standard_normal((2, 20, 3)) for seed in range(200)]
    p_values = [permutation_test(cka, X, Y, n_permutations=199).p_value for X, Y in draws]
    assert kstest(p_values, "uniform").pvalue > 0.01


def test_pairs_are_told_from_chance():
    X, Y = related(0)
    for metric in (cka, mutual_knn, recall_at_k):
        found = permutation_test(metric, X, Y, n_permutations=199)
        assert found.p_value == 1 / 200
        assert found.null.mean() < found.value
        assert str(found).endswith("p = 0.005")
    assert permutation_test(alignment, X, Y, n_permutations=99, alternative="less").p_value == 0.01
    assert permutation_test(alignment, X, Y, n_permutations=99).p_value == 1


def test_a_metric_that_ignores_the_pairing_has_a_p_value_of_1():
    X, Y = related(0)
    assert permutation_test(modality_gap, X, Y, n_permutations=19).p_value == 1


def test_the_seed_decides():
    X, Y = related(0)
    nulls = [
        permutation_test(cka, X, Y, n_permutations=5, random_state=seed).null
        for seed in (0, 0, 1, None, None)
    ]
    assert np.array_equal(nulls[0], nulls[1])
    assert not np.array_equal(nulls[0], nulls[2])
    assert not np.array_equal(nulls[3], nulls[4])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"metric": "cka"}, TypeError, "metric must be a function such as mibsk.metrics.cka"),
        ({"n_permutations": 0}, ValueError, "n_permutations must be an integer >= 1"),
        ({"n_permutations": 9.5}, TypeError, "n_permutations must be an integer"),
        ({"alternative": "more"}, ValueError, "alternative must be one of"),
        ({"Y": np.eye(3)}, ValueError, "row i of X must be the partner"),
        ({"k": 3}, TypeError, "unexpected keyword argument 'k'"),
    ],
)
def test_bad_arguments(options, error, message):
    X, Y = related(0)
    with pytest.raises(error, match=message):
        permutation_test(**({"metric": cka, "X": X, "Y": Y} | options))
