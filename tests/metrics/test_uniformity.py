"""Uniformity: hand values, an independent implementation, laws, bad input, memory."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.special import logsumexp
from scipy.stats import ortho_group

from mibsk.metrics import _uniformity, uniformity

from .draws import few, seeds


def naive(X, t):
    exponents = -t * pdist(X, "sqeuclidean")
    return logsumexp(exponents) - np.log(len(exponents))


def test_hand_values():
    assert uniformity([[0.0], [2.0]], t=1.5) == pytest.approx(-6)
    assert uniformity([[1.0, 2.0]] * 5) == 0
    corners = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    assert uniformity(corners, t=1) == pytest.approx(np.log((4 * np.exp(-2) + 2 * np.exp(-4)) / 6))


@few
@given(seeds, st.integers(2, 40), st.integers(1, 6), st.sampled_from([0.1, 1, 2, 50.0]))
def test_equals_the_plain_sum_over_pairs(seed, n, d, t):
    X = np.random.default_rng(seed).standard_normal((n, d))
    value = uniformity(X, t=t)
    assert value == pytest.approx(naive(X, t), rel=1e-9, abs=1e-9)
    if t < 10:
        expected = torch.pdist(torch.tensor(X)).pow(2).mul(-t).exp().mean().log()
        assert value == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


@few
@given(seeds, st.integers(2, 40), st.integers(1, 9))
def test_tiles_do_not_change_the_value(seed, n, side):
    X = np.random.default_rng(seed).standard_normal((n, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_uniformity, "SIDE", side)
        assert uniformity(X) == pytest.approx(naive(X, 2), rel=1e-9, abs=1e-12)


@few
@given(seeds, st.integers(2, 40))
def test_laws(seed, n):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 4))
    value = uniformity(X)
    assert value <= 0
    rotation, shift = ortho_group.rvs(4, random_state=rng), 100 * rng.standard_normal(4)
    assert uniformity((X @ rotation + shift)[rng.permutation(n)]) == pytest.approx(value)
    assert uniformity(3 * X, t=2 / 9) == pytest.approx(value)
    assert uniformity(2 * X) <= value
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert -8 <= uniformity(unit) <= 0


def test_rows_spread_evenly_are_more_uniform_than_a_cone():
    rng = np.random.default_rng(0)
    values = []
    for offset in (0, 1, 3, 10):
        X = rng.standard_normal((500, 8)) + offset
        values.append(uniformity(X / np.linalg.norm(X, axis=1, keepdims=True)))
    assert values == sorted(values)


def test_pairs_whose_potential_underflows_still_count():
    X = np.random.default_rng(0).standard_normal((30, 3))
    assert uniformity(1e3 * X) == pytest.approx(naive(1e3 * X, 2), rel=1e-9)


def test_float32_and_tensors_on_an_accelerator(accelerated):
    X = np.random.default_rng(0).standard_normal((50, 4)) + 5
    assert uniformity(X.astype("f4")) == pytest.approx(uniformity(X), rel=1e-5)
    assert uniformity(accelerated(X)) == pytest.approx(uniformity(X), rel=1e-5)


def test_memory_does_not_grow_with_the_pairs():
    X = np.random.default_rng(0).standard_normal((4000, 4))
    tracemalloc.start()
    uniformity(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6  # all pairs: 128e6


def test_interval():
    X = np.random.default_rng(0).standard_normal((300, 4))
    found = uniformity(X, ci=0.9)
    assert found.low < found.value == uniformity(X) < found.high <= 0


def test_bad_arguments():
    X = np.eye(3)
    with pytest.raises(ValueError, match="t must be a finite number"):
        uniformity(X, t=-1)
    for large in (1e7 * X, 1e120 * X, 1e300 * X):
        with pytest.raises(ValueError, match="too far for t=2: their potentials would be lost"):
            uniformity(large)
