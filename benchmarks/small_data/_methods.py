"""The methods that are compared: each is fitted on views and returns embeddings of others."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.cross_decomposition import CCA
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import CanonicalBottleneck, IBAligner

from ._sets import Views

Embed = Callable[[Views], Views]
N_PCA = 100
N_CCA = 20


class Fitted(NamedTuple):
    """Embeddings of further rows, seconds of `fit`, and the weight of the closed form."""

    embed: Embed
    seconds: float
    alpha: float = float("nan")


def _cca(train: Views, seed: int) -> Embed:
    """CCA of scikit-learn on principal components, as its columns would be collinear."""
    flat = {name: X.reshape(len(X), -1) for name, X in train.items()}
    n = len(next(iter(flat.values())))
    reduce = {
        name: make_pipeline(
            StandardScaler(), PCA(min(N_PCA, n // 2, X.shape[1]), random_state=seed)
        ).fit(X)
        for name, X in flat.items()
    }
    first, second = (reduce[name].transform(X) for name, X in flat.items())
    cca = CCA(min(N_CCA, first.shape[1], second.shape[1]), max_iter=1000).fit(first, second)

    def embed(views: Views) -> Views:
        rows = [reduce[name].transform(X.reshape(len(X), -1)) for name, X in views.items()]
        return dict(zip(views, map(_unit, cca.transform(*rows)), strict=True))

    return embed


def _unit(Z: np.ndarray) -> np.ndarray:
    return Z / np.linalg.norm(Z, axis=1, keepdims=True)


def _aligner(**params: Any) -> Callable[[Views, int], IBAligner]:
    return lambda train, seed: IBAligner(**params, random_state=seed).fit(train)


PLAIN = {"beta": 0.0, "bottleneck": None}
FORMER = {"beta": 0.1, "lr": 1e-3, "lr_schedule": None, "max_epochs": 20, "encoders": "network"}

METHODS: dict[str, Callable[[Views, int], Any]] = {
    "CCA": _cca,
    "closed form": lambda train, seed: CanonicalBottleneck().fit(train),
    "linear InfoNCE": _aligner(encoders="linear", **PLAIN),
    "InfoNCE": _aligner(encoders="network", **PLAIN),
    "network": _aligner(encoders="network"),
    "IBAligner()": _aligner(),
}
"""Those of the table; "network" is `IBAligner()` without the closed form of the inputs."""

VARIANTS: dict[str, Callable[[Views, int], Any]] = {
    "former defaults": _aligner(**FORMER),
    "lr=1e-3": _aligner(lr=1e-3),
    "lr=2e-3": _aligner(lr=2e-3),
    "lr=1e-2": _aligner(lr=1e-2),
    "lr_schedule=None": _aligner(lr_schedule=None),
    "lr_schedule=None, lr=1e-3": _aligner(lr_schedule=None, lr=1e-3),
    "max_epochs=20": _aligner(max_epochs=20),
    "max_epochs=100": _aligner(max_epochs=100),
    "batch_size=64": _aligner(batch_size=64),
    "batch_size=256": _aligner(batch_size=256),
    "beta=0": _aligner(beta=0.0),
    "beta=0.1": _aligner(beta=0.1),
    "beta=3": _aligner(beta=3.0),
    "bottleneck=None": _aligner(bottleneck=None),
    "n_components=16": _aligner(n_components=16),
    "n_components=128": _aligner(n_components=128),
    "temperature=0.07": _aligner(temperature=0.07),
    "optimizer='AdamW'": _aligner(optimizer="AdamW"),
    "validation_fraction=0.2": _aligner(validation_fraction=0.2),
}
"""`IBAligner()` with one parameter changed."""


def fit(method: str, train: Views, seed: int) -> Fitted:
    """Fit a method; the seconds are wall time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # repeated rows, nothing shared, CCA not converged
        start = time.perf_counter()
        fitted = (METHODS | VARIANTS)[method](train, seed)
        seconds = time.perf_counter() - start
    if not isinstance(fitted, IBAligner):
        return Fitted(fitted if callable(fitted) else fitted.embed, seconds)
    chosen = fitted.closed_form_
    alpha = float("nan") if chosen is None else chosen.alpha
    return Fitted(fitted.embed, seconds, alpha)
