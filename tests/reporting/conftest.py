"""Two sides with a shared factor, and a report of them."""

import numpy as np
import pandas as pd
import pytest

from mibsk.reporting import measure


@pytest.fixture(scope="session")
def pairs():
    """Return X, Y (60, 6) that share most, and labels: digit in both, speaker in Y alone."""
    rng = np.random.default_rng(0)
    digit, speaker = np.arange(60) % 3, np.arange(60) // 3 % 2
    S = rng.standard_normal((60, 6)) + 3 * np.eye(6)[digit]
    X = S + 0.3 * rng.standard_normal(S.shape)
    Y = S + 0.3 * rng.standard_normal(S.shape) + 4 * np.eye(6)[3 + speaker]
    return X, Y, pd.DataFrame({"digit": digit, "speaker": [f"s{i}" for i in speaker]})


@pytest.fixture(scope="session")
def report(pairs):
    """Return a report with all metrics and options."""
    X, Y, labels = pairs
    return measure(
        X,
        Y,
        labels,
        names=("image", "audio"),
        match="digit",
        shared=["digit"],
        nuisances=["speaker"],
        n_permutations=20,
    )
