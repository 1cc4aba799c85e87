"""Small paired data: two views of one hidden signal, and a quick aligner for them."""

import numpy as np
import pytest

from mibsk import IBAligner, Modalities
from mibsk.datasets import load_digits_halves

N_ROWS = 48


@pytest.fixture(scope="session")
def views():
    """Two dense views (48, 5) and (48, 4) of three hidden factors, read-only."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(N_ROWS, 3))
    made = {
        name: hidden @ rng.normal(size=(3, width)) + 0.1 * rng.normal(size=(N_ROWS, width))
        for name, width in (("audio", 5), ("image", 4))
    }
    for X in made.values():
        X.flags.writeable = False
    return Modalities(made)


@pytest.fixture(scope="session")
def table(views):
    """The same as one table (48, 9), audio first."""
    return np.hstack([views["audio"], views["image"]])


@pytest.fixture(scope="session")
def quick():
    """Return a function that makes an aligner of few, small epochs, without closed forms."""

    def make(modalities=None, **params):
        defaults = {
            "encoders": "network",
            "n_components": 4,
            "bottleneck": None,
            "beta": 0.1,
            "lr": 1e-3,
            "lr_schedule": None,
            "max_epochs": 2,
            "batch_size": 16,
            "random_state": 0,
        }
        return IBAligner(modalities, **{**defaults, **params})

    return make


@pytest.fixture(scope="session")
def halves():
    """Left and right halves of 1,797 digits."""
    return load_digits_halves()
