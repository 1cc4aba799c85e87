"""The six paired datasets, with one split for each seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from mibsk.datasets import (
    fetch_mfeat,
    fetch_omniglot,
    fetch_spoken_digits,
    make_arm,
    make_room,
    make_sprites,
    split_bunch,
)

N_PRIVATE = 3  # number of principal components of a view of mfeat whose private part is a nuisance


@dataclass(frozen=True)
class PairedSet:
    """A dataset, and how encoders are trained on it.

    Parameters
    ----------
    load : callable
        Returns the whole dataset.
    encoders : dict of str to str
        Specification per modality; others are "auto".
    max_epochs : int
        Number of epochs of all methods that train networks.
    by_factors : bool
        Whether any item with the same shared factors is a correct partner, not only the same
        instance.
    """

    load: Callable[[], Bunch]
    encoders: dict[str, Any]
    max_epochs: int
    by_factors: bool

    def split(self, seed: int) -> tuple[Bunch, Bunch]:
        """Return the training and the test rows of a seed."""
        train, test = split_bunch(_loaded(self.load), random_state=seed)
        return train, test


@cache
def _loaded(load: Callable[[], Bunch]) -> Bunch:
    """Render or read a dataset once per process; no method changes its rows."""
    return load()


_MLP = {"image": "mlp", "factors": "mlp"}
_RENDERED = {"n_samples": 4000, "image_size": 32, "random_state": 0}

SETS = {
    "sprites": PairedSet(
        lambda: make_sprites(shared=["scale", "pos_x"], **_RENDERED), _MLP, 20, True
    ),
    "room": PairedSet(
        lambda: make_room(shared=["object_hue", "wall_hue"], **_RENDERED), _MLP, 20, True
    ),
    "arm": PairedSet(
        lambda: make_arm(shared=["object_color", "horizontal_axis"], **_RENDERED), _MLP, 20, True
    ),
    "spoken digits": PairedSet(
        lambda: fetch_spoken_digits(random_state=0),
        {"audio": "conv1d", "image": "mlp"},
        15,
        True,
    ),
    "Omniglot": PairedSet(fetch_omniglot, {"image": "mlp", "strokes": "conv1d"}, 20, False),
    "mfeat": PairedSet(lambda: with_private_parts(fetch_mfeat()), {}, 20, False),
}


def with_private_parts(bunch: Bunch) -> Bunch:
    """Label each view with numbers that the other views cannot predict linearly.

    These nuisances are the residuals of its leading principal components in a ridge regression on
    all other views. The regression is fitted on all rows; no method uses the residuals.
    """
    views = {name: StandardScaler().fit_transform(X) for name, X in bunch.data.items()}
    labels = {}
    for name, X in views.items():
        others = np.hstack([views[other] for other in views if other != name])
        leading = PCA(N_PRIVATE, random_state=0).fit_transform(X)
        model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 4, 5)))
        private = leading - model.fit(others, leading).predict(others)
        columns = [f"private_{i}" for i in range(N_PRIVATE)]
        labels[name] = bunch.labels[name].join(pd.DataFrame(private, columns=columns))
    return Bunch(**{**bunch, "labels": labels, "nuisances": columns})
