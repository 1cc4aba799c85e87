"""The learning rate along a cosine, from epoch to epoch or from step to step."""

import numpy as np
import pytest
from skorch.callbacks import Callback

from mibsk import IBAligner

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
PAIRS = {"a": X, "b": X + 0.1 * RNG.normal(size=X.shape)}


class Rates(Callback):
    """Appends the learning rate of each step to a list."""

    def __init__(self, rates):
        self.rates = rates

    def on_batch_begin(self, net, training=False, **kwargs):
        if training:
            self.rates.append(net.optimizer_.param_groups[-1]["lr"])


def rates(**params):
    """Return the rates of 10 epochs of 3 steps."""
    found = []
    aligner = IBAligner(
        encoders="linear",
        bottleneck=None,
        batch_size=20,
        max_epochs=10,
        lr=0.1,
        callbacks=[Rates(found)],
        random_state=0,
        **params,
    )
    aligner.fit(PAIRS)
    return np.array(found)


def cosine(progress):
    return 0.1 * np.minimum(progress / 0.1, 0.5 * (1 + np.cos(np.pi * progress)))


@pytest.mark.parametrize(("schedule", "n"), [("cosine", 10), ("cosine-by-step", 30), (None, None)])
def test_rates_follow_the_schedule(schedule, n):
    found = rates(lr_schedule=schedule)
    expected = np.full(30, 0.1) if n is None else cosine((np.arange(n) + 0.5) / n)
    np.testing.assert_allclose(found, np.repeat(expected, 30 // len(expected)), rtol=1e-12)


def test_steps_are_those_of_the_pairs_that_are_trained_on():
    found = rates(lr_schedule="cosine-by-step", early_stopping=True, validation_fraction=0.5)
    np.testing.assert_allclose(found, cosine((np.arange(20) + 0.5) / 20), rtol=1e-12)
