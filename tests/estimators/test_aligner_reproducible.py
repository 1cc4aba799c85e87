"""The same random_state gives the same model, and no generator but its own is used."""

import random

import numpy as np
import pytest
import torch

from .common import without_times

CASES = {
    "plain": {},
    "variational": {"minimality": "variational", "beta": 0.01},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.25},
}


@pytest.mark.parametrize("case", CASES)
def test_same_seed_same_model(views, quick, case):
    first, second = (quick(**CASES[case]).fit(views) for _ in range(2))
    np.testing.assert_array_equal(first.transform(views), second.transform(views))
    assert without_times(first.history_) == without_times(second.history_)


@pytest.mark.parametrize("case", CASES)
def test_fitting_twice_is_fitting_once(views, quick, case):
    aligner = quick(**CASES[case]).fit(views)
    once, history = aligner.transform(views), without_times(aligner.history_)
    aligner.fit(views)
    np.testing.assert_array_equal(aligner.transform(views), once)
    assert without_times(aligner.history_) == history


def test_other_seed_other_model(views, quick):
    first, second = (quick(random_state=seed).fit(views).transform(views) for seed in (0, 1))
    assert np.abs(first - second).max() > 0.01


def test_generator_as_random_state(views, quick):
    """A RandomState moves on: the second fit differs; a second one of the same seed does not."""
    generator = np.random.RandomState(3)
    first, second = (quick(random_state=generator).fit(views).transform(views) for _ in range(2))
    again = quick(random_state=np.random.RandomState(3)).fit(views).transform(views)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).max() > 0.01


def test_global_generators_are_left_alone(views, quick):
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    quick(minimality="variational", early_stopping=True, validation_fraction=0.25).fit(views)
    assert torch.equal(states[0], torch.get_rng_state())
    np.testing.assert_array_equal(states[1][1], np.random.get_state()[1])  # noqa: NPY002
    assert states[2] == random.getstate()


def test_global_seed_does_not_count(views, quick):
    results = []
    for seed in (0, 1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            results.append(quick(minimality="variational").fit(views).transform(views))
    np.testing.assert_array_equal(*results)


def test_fit_leaves_parameters_and_data_alone(views, quick):
    callbacks = []
    aligner = quick(callbacks=callbacks, early_stopping=True, validation_fraction=0.25)
    params, copies = aligner.get_params(), {name: X.copy() for name, X in views.items()}
    aligner.fit(views)
    assert callbacks == []
    assert aligner.get_params() == params
    for name, X in copies.items():
        np.testing.assert_array_equal(views[name], X)


def test_deterministic_settings_of_cudnn_are_restored(views, quick):
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    quick().fit(views)
    assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == before
