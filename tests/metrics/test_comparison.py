"""Comparisons of two models: pairing, p-values, and bad arguments."""

import numpy as np
import pytest
from scipy.stats import kstest, ttest_rel

from mibsk.metrics import Bootstrap, Comparison, alignment, cka, compare, leakage, recall_at_k

from .draws import related


def models(seed=0, n=200, noise=(0.6, 0.9)):
    """Return one modality and, for two models, noisy views of it."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 6))
    return X, *(X + scale * rng.standard_normal((n, 6)) for scale in noise)


def test_the_better_model_is_found():
    X, better, worse = models()
    for metric in (cka, recall_at_k):
        found = compare(metric, (X, better), (X, worse))
        assert isinstance(found, Comparison)
        assert found.a.value == metric(X, better)
        assert found.b.value == metric(X, worse)
        assert found.difference == found.a.value - found.b.value
        assert 0 < found.low < found.difference < found.high
        assert found.p_value < 0.01
        swapped = compare(metric, (X, worse), (X, better))
        assert swapped.difference == -found.difference
        assert swapped.p_value == found.p_value
        assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low))


def test_agrees_with_the_paired_t_test_of_means_per_row():
    X, a, b = models(noise=(0.9, 0.95), n=400)
    found = compare(alignment, (X, a), (X, b), ci=Bootstrap(n_resamples=4000))
    rows = [((X - Z) ** 2).sum(axis=1) for Z in (a, b)]
    expected = ttest_rel(*rows)
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.02)
    interval = expected.confidence_interval(0.95)
    assert found.low == pytest.approx(interval.low, abs=0.1 * (interval.high - interval.low))
    assert found.high == pytest.approx(interval.high, abs=0.1 * (interval.high - interval.low))


def test_variation_common_to_both_cancels():
    X, better, _ = models()
    _, noisier, _ = models()
    noisier = better + 0.05 * np.random.default_rng(9).standard_normal(better.shape)
    found = compare(cka, (X, better), (X, noisier))
    widths = [e.high - e.low for e in (found.a, found.b)]
    assert found.high - found.low < 0.3 * min(widths)


def test_p_values_are_uniform_for_equal_models():
    p_values = []
    for seed in range(150):
        X, a, b = models(seed, n=150, noise=(0.9, 0.9))
        p_values.append(compare(recall_at_k, (X, a), (X, b), ci=Bootstrap(n_resamples=99)).p_value)
    assert kstest(p_values, "uniform").pvalue > 0.001
    assert np.mean(np.array(p_values) <= 0.05) < 0.11


def test_equal_models_do_not_differ():
    X, a, _ = models()
    found = compare(cka, {"image": X, "text": a}, {"image": X, "text": a.copy()})
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    assert compare(cka, (X, a), (X, a @ rotation)).p_value == 1


def test_any_function_of_rows_can_be_compared():
    def first(X, Y, power=1):
        return float(np.corrcoef(X[:, 0], Y[:, 0])[0, 1] ** power)

    X, better, worse = models()
    found = compare(first, [X, better], [X, worse], power=2, ci=Bootstrap(n_resamples=200))
    assert found.difference == first(X, better, 2) - first(X, worse, 2)
    assert found.p_value < 0.05


def test_leakage_of_several_factors():
    rng = np.random.default_rng(0)
    labels = {"a": np.arange(400) % 2, "b": np.arange(400) % 4 // 2}
    Z = np.column_stack([labels["a"], labels["b"]]) + 0.4 * rng.standard_normal((400, 2))
    found = compare(leakage, (Z, labels), (Z[:, :1], labels), ci=Bootstrap(n_resamples=200))
    assert list(found) == ["a", "b"]
    assert found["b"].difference > 0.3
    assert found["b"].p_value < 0.05 < found["a"].p_value


def test_text():
    X, better, worse = models()
    found = compare(recall_at_k, (X, better), (X, worse), ci=Bootstrap(n_resamples=99))
    assert str(found).startswith(f"{found.difference:+.3f} [")
    assert str(found).endswith(f"p = {found.p_value:.3g}")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"metric": "cka"}, TypeError, "metric must be a function"),
        ({"A": np.eye(3)}, TypeError, r"A must be a tuple of arguments such as \(X, Y\)"),
        ({"B": ()}, TypeError, "B must be a tuple of arguments"),
        ({"B": related(0, n=50)}, ValueError, "on the same rows, got 80 and 50"),
        ({"ci": None}, TypeError, r"interval \(ci\) must be a finite number"),
        ({"metric": lambda X, Y: X}, TypeError, "metric must return a number, got ndarray"),
    ],
)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=message):
        compare(**({"metric": cka, "A": related(0), "B": related(1)} | options))
