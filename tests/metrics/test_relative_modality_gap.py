"""Relative modality gap: the published form, hand values, laws, bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group

from mibsk.metrics import relative_modality_gap

from .draws import few, seeds


def published(X, Y):
    """Schrodi et al. 2025, for rows of unit norm: cosines brought to distances in [0, 1]."""

    def within(Z):
        return np.mean(pdist(Z, "cosine")) / 2

    partners = np.mean((1 - np.sum(X * Y, axis=1)) / 2)
    return partners / (partners + (within(X) + within(Y)) / 2)


def test_hand_values():
    X = np.array([[0.0], [2.0]])  # squared distance within: 4
    assert relative_modality_gap(X, X + 1) == pytest.approx(1 / (1 + 4))
    assert relative_modality_gap(X, 2 * X) == pytest.approx(2 / (2 + (4 + 16) / 2))
    assert relative_modality_gap(X, X) == 0


@few
@given(seeds, st.integers(2, 40), st.integers(2, 8))
def test_equals_the_published_form_for_rows_of_unit_norm(seed, n, d):
    X, Y = np.random.default_rng(seed).standard_normal((2, n, d))
    Y += X
    X, Y = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in (X, Y))
    assert relative_modality_gap(X, Y) == pytest.approx(published(X, Y), abs=1e-10)


@few
@given(seeds, st.integers(2, 40))
def test_laws(seed, n):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, n, 4))
    value = relative_modality_gap(X, Y)
    assert 0 <= value <= 1
    assert relative_modality_gap(Y, X) == pytest.approx(value)
    rotation, shift = ortho_group.rvs(4, random_state=rng), rng.standard_normal(4)
    order = rng.permutation(n)
    moved = (1e3 * (Z[order] @ rotation + shift) for Z in (X, Y))
    assert relative_modality_gap(*moved) == pytest.approx(value)
    assert relative_modality_gap(X, X) == 0


def test_independent_rows_of_one_mean_are_at_a_half_and_distance_raises_it():
    X, Y = np.random.default_rng(0).standard_normal((2, 5000, 4))
    assert relative_modality_gap(X, Y) == pytest.approx(0.5, abs=0.01)
    values = [relative_modality_gap(X, Y + shift) for shift in (0, 1, 3, 10, 100)]
    assert values == sorted(values)
    assert values[-1] > 0.99
    values = [relative_modality_gap(X, X + size * Y) for size in (0.1, 0.3, 1, 3)]
    assert values == sorted(values)


def test_two_different_points_are_apart_and_one_point_is_refused():
    assert relative_modality_gap(np.zeros((5, 2)), np.ones((5, 2))) == 1
    same = np.full((5, 2), 0.1)
    for ci in (None, 0.9):
        with pytest.raises(ValueError, match="undefined: all 5 rows of X and of Y are one point"):
            relative_modality_gap(same, same, ci=ci)


@pytest.mark.parametrize("size", [1e-300, 1e-120, 1e120, 1e300])
def test_very_large_and_very_small_rows(size):
    X, Y = np.random.default_rng(0).standard_normal((2, 20, 4))
    value = relative_modality_gap(X, Y)
    assert relative_modality_gap(size * X, size * Y) == pytest.approx(value)


def test_float32_and_tensors_on_an_accelerator(accelerated):
    X, Y = np.random.default_rng(0).standard_normal((2, 50, 4))
    value = relative_modality_gap(X, Y)
    assert relative_modality_gap(X.astype("f4"), Y) == pytest.approx(value, abs=1e-6)
    for size in (1, 1e-30, 1e30):
        tensors = accelerated(size * X), accelerated(size * Y)
        assert relative_modality_gap(*tensors) == pytest.approx(value, abs=1e-5)


def test_interval():
    X, Y = np.random.default_rng(0).standard_normal((2, 300, 4))
    found = relative_modality_gap(X, Y, ci=0.9)
    assert found.low < found.value == relative_modality_gap(X, Y) < found.high


def test_bad_shapes():
    X = np.eye(3)
    with pytest.raises(ValueError, match=r"partner.*\(3, 3\) and \(2, 3\)"):
        relative_modality_gap(X, X[:2])
    with pytest.raises(ValueError, match="must lie in one space"):
        relative_modality_gap(X, X[:, :2])
