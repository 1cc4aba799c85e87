"""Paired data in each of the three forms, small enough that a search over them is quick."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mibsk import IBAligner, Modalities

N_ROWS = 60
WIDTHS = {"audio": 5, "image": 4}
QUICK = {
    "encoders": "network",
    "n_components": 4,
    "bottleneck": None,
    "max_epochs": 2,
    "batch_size": 16,
    "random_state": 0,
}


@dataclass(frozen=True)
class Paired:
    """Data in one form, and what an aligner of it needs to know.

    `X` and `Y` go to an aligner alone. Before a classifier go `X` and `labels`: of two tables the
    second is then the labels, which the aligner takes as one-hot rows.
    """

    name: str
    X: Any
    Y: Any
    labels: np.ndarray
    modalities: dict[str, Any] | None = None

    def aligner(self, **params: Any) -> IBAligner:
        return IBAligner(self.modalities, **{**QUICK, **params})

    def __repr__(self) -> str:
        return self.name


def paired(name: str) -> Paired:
    """Two views of three hidden factors; the labels tell the sign of the first one."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(N_ROWS, 3))
    views = {
        view: hidden @ rng.normal(size=(3, width)) + 0.1 * rng.normal(size=(N_ROWS, width))
        for view, width in WIDTHS.items()
    }
    labels = np.where(hidden[:, 0] > 0, "up", "down")
    columns = [f"{view}{i}" for view, width in WIDTHS.items() for i in range(width)]
    if name == "mapping":
        return Paired(name, Modalities(views), None, labels)
    if name == "table":
        table = pd.DataFrame(np.hstack(list(views.values())), columns=columns)
        cut = {view: [c for c in columns if c.startswith(view)] for view in WIDTHS}
        return Paired(name, table, None, labels, cut)
    return Paired(name, views["audio"], views["image"], labels)


@pytest.fixture(params=["mapping", "table", "pair"])
def data(request) -> Paired:
    """The same pairs in each of the three forms."""
    return paired(request.param)


@pytest.fixture
def mapping() -> Paired:
    return paired("mapping")


@pytest.fixture
def table() -> Paired:
    return paired("table")


@pytest.fixture
def pair() -> Paired:
    return paired("pair")
