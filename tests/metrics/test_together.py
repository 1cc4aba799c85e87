"""Metrics of second moments together: the results of each alone, and of the earlier forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk import metrics
from mibsk.metrics import Bootstrap, _pair_moments, _procrustes, permutation_test
from mibsk.metrics.together import estimates, permutation_tests

from .draws import draw_pair, few, seeds

CALLS = {
    "cka": (metrics.cka, {}),
    "unbiased": (metrics.cka, {"unbiased": True}),
    "svcca": (metrics.svcca, {"n_components": 2}),
    "svcca by share": (metrics.svcca, {"n_components": 0.9}),
    "pwcca": (metrics.pwcca, {}),
    "procrustes": (metrics.procrustes, {}),
    "consistency": (metrics.consistency, {}),
    "information": (metrics.gaussian_mutual_information, {}),
}
OTHERS = {
    "rbf": (metrics.cka, {"kernel": "rbf"}),
    "neighbours": (metrics.mutual_knn, {}),
    "gap": (metrics.relative_modality_gap, {}),
}

# value, ends of an interval of 20 resamples, and mean of 19 permutations, of `stored_rows`
STORED = [
    ("cka", {}, 0.4578224802728713, 0.33846472051351895, 0.5474915894545883, 0.09504031144208368),
    (
        "cka",
        {"unbiased": True},
        0.40315716850456834,
        0.2672020044487513,
        0.5078045073049511,
        0.0022901497135656,
    ),
    (
        "cka",
        {"kernel": "rbf"},
        0.6767043686235023,
        0.6102822434126244,
        0.7174246308944803,
        0.37716653020023067,
    ),
    (
        "svcca",
        {"n_components": 3},
        0.4664950037144082,
        0.32062335650583185,
        0.5913730517452133,
        0.17622889502770764,
    ),
    ("pwcca", {}, 0.5201501675333888, 0.45571797223319527, 0.5927114352060258, 0.2711252332214132),
    (
        "procrustes",
        {},
        0.540101650191003,
        0.4791045714195129,
        0.6009707351816679,
        0.26925407842244864,
    ),
    (
        "consistency",
        {},
        0.4589273206506075,
        0.40938018094913853,
        0.5194700972022277,
        0.10315727973744326,
    ),
    (
        "gaussian_mutual_information",
        {},
        3.218901564402778,
        2.8096595540132028,
        3.9225578914925983,
        0.34336863034344745,
    ),
    (
        "mutual_knn",
        {"k": 4},
        0.3958333333333333,
        0.3283333333333333,
        0.4843749999999999,
        0.06447368421052631,
    ),
    (
        "cknna",
        {"k": 4},
        0.5374872521611425,
        0.4179993799858826,
        0.6594007529287547,
        0.037334669056738566,
    ),
    ("modality_gap", {}, 0.06850412571228721, 0.0, 0.19734057547616807, 0.06850412571228719),
    (
        "relative_modality_gap",
        {},
        0.4149458947023168,
        0.3786838160748418,
        0.44847134214971573,
        0.49548620910923313,
    ),
]


def stored_rows():
    def rows(seed):
        i, j = np.ogrid[1:61, 1:7]
        return np.sin(seed * i * j) + np.cos(i * (j + seed)) / j

    return rows(1), rows(2) + 0.3 * rows(1)


@pytest.mark.parametrize(("name", "options", "value", "low", "high", "by_chance"), STORED)
def test_values_of_the_earlier_forms(name, options, value, low, high, by_chance):
    X, Y = stored_rows()
    metric = getattr(metrics, name)
    found = metric(X, Y, ci=Bootstrap(n_resamples=20), **options)
    np.testing.assert_allclose([*found], [value, low, high], rtol=1e-12, atol=1e-12)
    test = permutation_test(metric, X, Y, n_permutations=19, **options)
    np.testing.assert_allclose(test.null.mean(), by_chance, rtol=1e-12)


@few
@given(seeds, st.booleans())
def test_together_as_alone(seed, grouped):
    X, Y = draw_pair(seed, n=120)
    groups = np.arange(120) // 2 if grouped else None
    ci = {
        name: Bootstrap(n_resamples=n, random_state=seed % 100, groups=groups)
        for name, n in zip(CALLS, range(10, 18), strict=True)
    }
    found = estimates(CALLS | OTHERS, X, Y, ci | dict.fromkeys(OTHERS))
    assert found.keys() == CALLS.keys()
    for name, (metric, options) in CALLS.items():
        alone = metric(X, Y, ci=ci[name], **options)
        np.testing.assert_allclose([*found[name]], [*alone], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found[name].replicates, alone.replicates, rtol=1e-9, atol=1e-9)


@few
@given(seeds)
def test_permuted_together_as_alone(seed):
    X, Y = draw_pair(seed, n=40)
    chosen = {"n_permutations": 9, "random_state": seed}
    found = permutation_tests(CALLS | OTHERS, X, Y, **chosen)
    assert found.keys() == CALLS.keys()
    for name, (metric, options) in CALLS.items():
        alone = permutation_test(metric, X, Y, **chosen, **options)
        np.testing.assert_allclose(found[name].null, alone.null, rtol=1e-9, atol=1e-9)
        assert found[name].p_value == alone.p_value
        assert found[name].value == pytest.approx(alone.value)
        assert found[name].maximum == alone.maximum


def test_values_without_an_interval():
    X, Y = draw_pair(0)
    found = estimates(CALLS, X, Y, dict.fromkeys(CALLS))
    for name, (metric, options) in CALLS.items():
        assert found[name] == pytest.approx(metric(X, Y, **options))


def test_what_cannot_be_measured_together_is_left_out():
    X, Y = draw_pair(0, n=60)
    ci = dict.fromkeys(CALLS, Bootstrap(n_resamples=10))
    assert not estimates(CALLS, np.ones_like(X), Y, ci)  # constant
    wide = np.random.default_rng(0).standard_normal((60, 90))
    assert not estimates(CALLS, wide, Y, ci)  # Gram matrices are smaller
    assert not permutation_tests(CALLS, wide, Y, n_permutations=3, random_state=0)
    linear = np.column_stack([X, X[:, 0]])  # the information is infinite
    assert estimates(CALLS, linear, Y, ci).keys() == CALLS.keys() - {"information"}
    few_rows = {name: Bootstrap(n_resamples=10, max_rows=12) for name in CALLS}
    found = estimates(CALLS, X[:20], Y[:20], few_rows)  # half of them are too few for some
    assert "information" not in found
    assert "cka" in found


@few
@given(seeds, st.floats(0, 3), st.integers(1, 9), st.integers(1, 9))
def test_factorisations_agree(seed, spread, d_x, d_y):
    """Cholesky's factor and eigenvectors; squares of singular values, and these themselves."""
    X, Y = draw_pair(seed, d_x=d_x, d_y=d_y)
    X = X * np.logspace(0, spread, d_x)
    moments = _pair_moments.pair_moments(X, Y)
    fast = {name: metric(X, Y, **options) for name, (metric, options) in CALLS.items()}
    assert moments.x.whitening is moments.x.inverse_root
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_pair_moments, "WELL_CONDITIONED", 0)
        patched.setattr(_procrustes, "ACCURACY", 0)
        for name, (metric, options) in CALLS.items():
            assert metric(X, Y, **options) == pytest.approx(fast[name], rel=1e-9)


@pytest.mark.parametrize("metric", [metrics.pwcca, metrics.consistency, metrics.svcca])
def test_directions_of_rounding_are_left_out_as_before(metric):
    X, Y = draw_pair(0)
    linear = np.column_stack([X, X @ np.ones(6), np.zeros(200)])
    assert metric(linear, Y) == pytest.approx(metric(linear[:, ::-1], Y))
    if metric is not metrics.svcca:
        assert 0 < metric(linear, Y) < 1
