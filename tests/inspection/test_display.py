"""What all Displays have in common."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mibsk.exceptions import NotInstalledError
from mibsk.inspection import (
    InformationPlaneDisplay,
    LeakageDisplay,
    ModalityGapDisplay,
    PathDisplay,
    RetrievalDisplay,
    SharedInformationDisplay,
    SimilarityDisplay,
    TrainingDisplay,
)

FRACTIONS = {"leakage": {"a": 0.1}, "kept": {"b": 1}}
PATH = pd.DataFrame([{"beta": 0, "fold": 0, "score": 1, "divergence": 1, "modality_gap": 1}])
EPOCH = {"epoch": 1, "train_sufficiency": 1, "train_minimality": 1, "train_divergence": 1}
PAIR = {"x": np.eye(3), "y": np.eye(3)}
RETRIEVAL = {"queries": ["q"] * 6, "gallery": ["g"] * 6, "n_queries": 2, "k": 3}


def draw_plane(axes):
    return InformationPlaneDisplay.from_fractions({1.0: {"m": FRACTIONS}}, axes=axes)


def draw_path(axes):
    return PathDisplay(PATH, beta=0, best_beta=0, standard_error=[0]).plot(axes)


def draw_retrieval(axes):
    return RetrievalDisplay.from_embeddings(np.eye(6), np.eye(6), **RETRIEVAL, axes=axes)


def draw_training(axes):
    return TrainingDisplay.from_histories({"m": [EPOCH | {"temperature": 1}]}, axes=axes)


DISPLAYS = {  # name -> rows and columns of panels, and how to draw
    "plane": (1, 1, draw_plane),
    "leakage": (1, 2, lambda axes: LeakageDisplay.from_fractions({"m": FRACTIONS}, axes=axes)),
    "gap": (1, 1, lambda axes: ModalityGapDisplay.from_embeddings(PAIR, axes=axes)),
    "path": (1, 2, draw_path),
    "retrieval": (2, 4, draw_retrieval),
    "shared": (2, 1, lambda axes: SharedInformationDisplay({}, ["x", "y"]).plot(axes)),
    "similarity": (1, 2, lambda axes: SimilarityDisplay.from_embeddings(PAIR, axes=axes)),
    "training": (1, 3, draw_training),
}


@pytest.mark.parametrize("name", DISPLAYS)
def test_draws_on_given_axes_and_again(name):
    n_rows, n_columns, draw = DISPLAYS[name]
    figure, axes = plt.subplots(n_rows, n_columns, squeeze=False)
    display = draw(axes)
    assert display.figure_ is figure
    assert list(display.axes_.flat) == list(axes.flat)
    assert (axes.flat[0].get_legend() is not None) == (name in ("plane", "gap"))
    n, drawn = axes.size, [len(ax.lines) for ax in axes.flat]
    for wrong in (axes.flat[:0], axes.flat[: n - 1], [*axes.flat, axes.flat[0]]):
        with pytest.raises(ValueError, match=rf"one Axes per panel, {n} for .* got {len(wrong)}"):
            display.plot(wrong)
    with pytest.raises(TypeError, match="must be matplotlib Axes, got int"):
        display.plot(range(n))
    assert display.plot().figure_ is not figure
    assert [len(ax.lines) for ax in display.axes_.flat] == drawn


@pytest.mark.parametrize("name", DISPLAYS)
def test_missing_matplotlib_names_the_command(name, monkeypatch):
    for module in [module for module in sys.modules if module.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    *_, draw = DISPLAYS[name]
    with pytest.raises(NotInstalledError, match=r"pip install matplotlib"):
        draw(None)
