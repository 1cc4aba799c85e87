"""Intervals from sums over the rows drawn: those of the metric on each resample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.metrics import (
    Bootstrap,
    cka,
    cknna,
    modality_gap,
    relative_modality_gap,
    uniformity,
)
from mibsk.metrics.statistics import _resampling, over_rows

from .draws import few, seeds

PAIRED = {
    "gap": modality_gap,
    "relative gap": relative_modality_gap,
    "rbf": lambda X, Y, **ci: cka(X, Y, kernel="rbf", **ci),
    "uniformity": lambda X, Y, **ci: uniformity(X, **ci),
    "cknna": lambda X, Y, **ci: cknna(X, Y, k=3, **ci),
}


@few
@given(seeds, st.sampled_from(sorted(PAIRED)), st.booleans(), st.integers(1, 9))
def test_as_the_metric_on_each_resample(seed, name, grouped, d):
    rng = np.random.default_rng(seed)
    X, noise = rng.standard_normal((2, 60, d)) + rng.integers(3)
    Y, metric = X + noise, PAIRED[name]
    groups = np.arange(60) // 2 if grouped else None
    ci = Bootstrap(n_resamples=11, random_state=seed % 50, groups=groups)
    expected = over_rows(lambda X, Y: metric(X, Y), X, Y, ci=ci)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_resampling, "_COUNTS_SIZE", int(rng.integers(1, 400)))
        found = metric(X, Y, ci=ci)
    np.testing.assert_allclose(found.replicates, expected.replicates, rtol=1e-10, atol=1e-12)
    assert found.value == pytest.approx(expected.value)


def test_clouds_of_unequal_size():
    X, Y = np.random.default_rng(0).standard_normal((60, 3)), np.ones((40, 3))
    ci = Bootstrap(n_resamples=20)
    expected = over_rows(lambda X, Y: modality_gap(X, Y), X, Y, ci=ci)
    np.testing.assert_allclose(modality_gap(X, Y, ci=ci).replicates, expected.replicates)


def test_rows_far_apart_from_one_close_pair():
    X = 30.0 * np.arange(40.0)[:, None]
    X[1] = X[0]  # without both of these, all potentials are lost beside theirs
    ci = Bootstrap(n_resamples=20)
    expected = over_rows(lambda X: uniformity(X), X, ci=ci)
    found = uniformity(X, ci=ci)
    np.testing.assert_allclose(found.replicates, expected.replicates)
    assert np.ptp(found.replicates) > 100


def test_resamples_of_equal_rows_are_left_out():
    X = np.repeat([[0.1, 0.7], [0.3, -2.0]], 8, axis=0)
    groups = np.repeat([0, 1], 8)
    ci = Bootstrap(n_resamples=10, groups=groups)
    with pytest.raises(ValueError, match="no resample had any"):
        relative_modality_gap(X, X, ci=ci)
