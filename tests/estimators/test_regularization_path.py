"""Which beta the scores of a path choose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mibsk.estimators._regularization_path import choose

# Exact in binary, as are their means, so that ties are ties.
HARD_FOLD = np.array([0.75, 0.5, 0.25, 0.5])


def test_by_hand():
    """Differences (0.25, 0, 0, 0) have a mean of 0.0625 and a standard error of as much."""
    scores = np.array([HARD_FOLD - [0, 0.25, 0.25, 0], HARD_FOLD, HARD_FOLD - [0.25, 0, 0, 0]])
    best, within, errors = choose(scores)
    assert (best, within) == (1, 2)
    np.testing.assert_allclose(errors, [np.sqrt(1 / 48) / 2, 0, 0.0625])


def test_a_small_but_sure_loss_is_not_within():
    """The raw standard error, 0.1, would have let it pass."""
    scores = np.array([HARD_FOLD, HARD_FOLD - 0.03125 + 2**-12 * np.arange(4)])
    assert scores[0].std(ddof=1) / 2 > 0.1
    assert choose(scores).within == 0


def test_noise_of_its_own_excuses_no_beta():
    """The mean difference, 0.1, is within its own standard error, 0.12, but that is all noise."""
    steady = np.array([0.9, 0.91, 0.89, 0.9])
    noisy = steady - [0.45, 0.05, -0.05, -0.05]
    difference = steady - noisy
    assert difference.mean() <= difference.std(ddof=1) / 2
    assert choose(np.array([steady, noisy])).within == 0


def test_of_equal_betas_the_largest_is_the_best():
    found = choose(np.array([HARD_FOLD - 0.25, HARD_FOLD, HARD_FOLD, HARD_FOLD - 0.5]))
    assert (found.best, found.within) == (2, 2)


def test_one_beta():
    assert choose(HARD_FOLD[None])[:2] == (0, 0)


def test_one_fold():
    best, within, errors = choose(np.array([[0.5], [0.75], [0.75 - 2**-30]]))
    assert (best, within) == (1, 1)
    assert np.isnan(errors).all()


@settings(deadline=None)
@given(
    arrays(
        float,
        array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6),
        elements=st.integers(0, 64).map(lambda n: n / 64),
    )
)
def test_laws(scores):
    best, within, errors = choose(scores)
    means = scores.mean(axis=1)
    assert means[best] == means.max()
    assert within >= best
    assert errors[best] == 0
    assert means[best] - means[within] <= errors[within]
    assert all(means[best] - means[b] > errors[b] for b in range(within + 1, len(means)))


@pytest.mark.parametrize("shift", [-0.5, 4.0])
def test_a_constant_changes_nothing(shift):
    scores = np.random.default_rng(0).integers(0, 64, size=(5, 4)) / 64
    assert choose(scores + shift)[:2] == choose(scores)[:2]
