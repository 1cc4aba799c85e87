"""Permutation tests: exact p-values, uniform under the null, and the fast forms."""

import numpy as np
import pytest
from scipy.stats import kstest
from scipy.stats import permutation_test as scipy_permutation_test

from mibsk.metrics import (
    alignment,
    cka,
    cknna,
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
        (cknna, {"k": 4}),
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
        ({"ci": 0.9}, TypeError, "ci is not an argument of permutation_test"),
    ],
)
def test_bad_arguments(options, error, message):
    X, Y = related(0)
    with pytest.raises(error, match=message):
        permutation_test(**({"metric": cka, "X": X, "Y": Y} | options))


@pytest.mark.parametrize("shape", [(500, 512), (100, 8), (30, 200)])
@pytest.mark.parametrize("options", [{}, {"unbiased": True}])
def test_calibrated_values_of_independent_rows_are_near_0(shape, options):
    X, Y = np.random.default_rng(0).standard_normal((2, *shape))
    found = permutation_test(cka, X, Y, n_permutations=30, **options)
    assert found.calibrated == pytest.approx(0, abs=0.03)
    if shape == (500, 512) and not options:
        assert found.value == pytest.approx(0.507, abs=0.01)


@pytest.mark.parametrize("metric", [cka, mutual_knn, svcca, consistency, recall_at_k])
def test_calibrated_values_of_equal_rows_are_1(metric):
    X, Y = related(0)
    assert permutation_test(metric, X, X, n_permutations=9).calibrated == pytest.approx(1)
    found = permutation_test(metric, X, Y, n_permutations=9)
    level = found.null.mean()
    assert found.calibrated == pytest.approx((found.value - level) / (1 - level))
    assert found.calibrated < found.value


def test_only_metrics_with_a_maximum_are_calibrated():
    X, Y = related(0, n=12)
    for metric in (alignment, modality_gap, correlation, lcs_knn):
        assert permutation_test(metric, X, Y, n_permutations=9).calibrated is None
    # all rows are neighbours, so chance reaches the maximum
    assert permutation_test(mutual_knn, X, Y, n_permutations=9, k=11).calibrated is None


def test_the_best_of_several_is_tested_against_the_best_of_random_pairs():
    X, Y = related(0, n=60)
    others = np.random.default_rng(1).standard_normal((3, 60, 6))
    layers = {"first": others[0], "middle": X, "last": others[1]}
    found = permutation_test(cka, layers, {"a": Y, "b": others[2]}, n_permutations=19)
    assert found.best == ("middle", "a")
    assert found.value == found.values["middle", "a"] == cka(X, Y)
    assert len(found.values) == 6
    assert found.p_value == 1 / 20
    rng = np.random.default_rng(0)
    for maximum in found.null[:3]:
        order = rng.permutation(60)
        expected = [cka(x, y[order]) for x in layers.values() for y in (Y, others[2])]
        assert maximum == pytest.approx(max(expected))
    less = permutation_test(alignment, {"x": X}, {"a": X, "b": Y}, alternative="less")
    assert less.best == ("x", "a")
    one = permutation_test(cka, {"x": X}, Y, n_permutations=19)
    assert np.array_equal(one.null, permutation_test(cka, X, Y, n_permutations=19).null)
    assert permutation_test(cka, X, Y, n_permutations=19).best is None


def test_a_search_among_independent_layers_is_accounted_for():
    p_values, naive = [], []
    for seed in range(100):
        Z = np.random.default_rng(seed).standard_normal((7, 20, 3))
        layers = dict(enumerate(Z[:6]))
        p_values.append(permutation_test(cka, layers, Z[6], n_permutations=39).p_value)
        naive.append(min(permutation_test(cka, X, Z[6], n_permutations=39).p_value for X in Z[:6]))
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(naive) < 0.25


def test_bad_arguments_of_several():
    X, Y = related(0)
    with pytest.raises(ValueError, match="must be 'greater' or 'less' for several"):
        permutation_test(cka, {"x": X}, Y, alternative="two-sided")
    with pytest.raises(ValueError, match="X must have at least one representation"):
        permutation_test(cka, {}, Y)
    with pytest.raises(ValueError, match="row i of X must be the partner"):
        permutation_test(cka, {"x": X, "short": X[:9]}, Y)
    for layers in ([X, X], (X, X[:, :2])):
        with pytest.raises(
            ValueError, match=r"X must be .* a mapping .* as dict\(enumerate\(X\)\)"
        ):
            permutation_test(cka, layers, {"y": Y})
    with pytest.raises(ValueError, match=r"dict\(enumerate\(Y\)\)"):
        permutation_test(cka, X, [Y, Y])


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("order", [("varies", "constant"), ("constant", "varies")])
def test_values_that_are_nan_have_no_rank(order):
    X, Y = related(0)
    layers = {"varies": X, "constant": np.ones_like(X)}
    with pytest.raises(ValueError, match="metric correlation is NaN for the rows of X and Y as"):
        permutation_test(correlation, layers["constant"], Y)
    with pytest.raises(ValueError, match=r"NaN for the rows of the pair \('constant', None\) as"):
        permutation_test(correlation, {name: layers[name] for name in order}, Y)

    def undefined_for_others(x, y):
        return 1.0 if np.array_equal(y, Y) else np.nan

    with pytest.raises(ValueError, match="NaN for the rows of X and Y paired at random"):
        permutation_test(undefined_for_others, X, Y)
