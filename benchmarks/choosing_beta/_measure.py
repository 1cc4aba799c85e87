"""Training of one method on one split, and its measures on held-out rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from itertools import combinations, permutations
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from mibsk import ClassPairs, IBAligner
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.metrics import cka, leakage, recall_at_k

from ._baselines import BASELINES, baseline_names
from ._sets import SETS

BETAS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
BUDGET = 0.02
CANONICAL = {"closed form": 0.0, "both": 1.0}  # beta of the training before the closed form
N_COMPONENTS, BATCH_SIZE = 64, 128

Embed = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]


def methods(name: str) -> list[str]:
    """Return the methods that are compared on a dataset."""
    n_views = len(dict(SETS[name].load().data))
    grid = [f"beta={beta:g}" for beta in BETAS]
    return [*grid, "auto", *CANONICAL, *baseline_names(n_views)]


def measure(name: str, method: str, seed: int) -> dict[str, Any]:
    """Train and measure one method, and return one row of the table."""
    paired = SETS[name]
    train, test = paired.split(seed)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateRowsWarning)  # rows of "factors" repeat
        embed, beta = _fit(method, train, paired.encoders, paired.max_epochs, seed)
    seconds = time.process_time() - start
    rows = {"train": embed(_rows(train)), "test": embed(_rows(test))}
    # classes of single drawings cannot be learned
    kept = [factor for factor in test.shared if factor not in ("character", "drawer")]
    return {
        "set": name,
        "method": method,
        "seed": seed,
        "retrieval": _retrieval(rows["test"], test, by_factors=paired.by_factors),
        "leakage": _fraction(rows, train, test, test.nuisances),
        "leakage_mlp": _fraction(rows, train, test, test.nuisances, probe="mlp"),
        "kept": _fraction(rows, train, test, kept),
        "CKA": _cka(embed, test),
        "n_components": next(iter(rows["test"].values())).shape[1],
        "beta": beta,
        "seconds": seconds,
    }


def _fit(
    method: str, train: Bunch, encoders: dict[str, Any], max_epochs: int, seed: int
) -> tuple[Embed, float]:
    """Return a function that embeds rows, and the final beta (NaN for other methods)."""
    common = {"n_components": N_COMPONENTS, "max_epochs": max_epochs, "batch_size": BATCH_SIZE}
    data = train.data
    if method in BASELINES:
        drawn = data.draw(random_state=seed) if isinstance(data, ClassPairs) else data
        specs = {key: encoders.get(key, "auto") for key in data}
        return BASELINES[method](dict(drawn), encoders=specs, seed=seed, **common), np.nan
    if method in CANONICAL:
        params: dict[str, Any] = {"beta": CANONICAL[method], "bottleneck": "canonical"}
    else:
        beta = "auto" if method == "auto" else float(method.removeprefix("beta="))
        params = {"beta": beta, "budget": BUDGET, "bottleneck": None}
    params |= {"input_scaling": "columns", "lr": 1e-3, "lr_schedule": None}
    aligner = IBAligner(encoders=encoders or "mlp", random_state=seed, **params, **common)
    aligner.fit(data)

    def embed(rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {key: aligner.encoder(key).transform(X) for key, X in rows.items()}

    return embed, aligner.beta_


def _rows(bunch: Bunch) -> dict[str, np.ndarray]:
    return {name: bunch.data[name] for name in bunch.data}


def _labels(bunch: Bunch, modality: str) -> np.ndarray:
    """Return one label per row: its combination of shared factors."""
    return bunch.labels[modality][bunch.shared].astype(str).agg("|".join, axis=1).to_numpy()


def _retrieval(embedded: dict[str, np.ndarray], test: Bunch, *, by_factors: bool) -> float:
    """Return mean recall@1 over all ordered pairs of modalities."""
    recalls = []
    for a, b in permutations(embedded, 2):
        labels = (_labels(test, a), _labels(test, b)) if by_factors else None
        recalls.append(recall_at_k(embedded[a], embedded[b], labels=labels))
    return float(np.mean(recalls))


def _fraction(
    rows: dict[str, Any], train: Bunch, test: Bunch, factors: list[str], probe: str = "linear"
) -> float:
    """Return the mean share of factors that a probe reads, over modalities labelled with them."""
    values = []
    for modality in test.labels:
        known = [factor for factor in factors if factor in test.labels[modality]]
        if known:
            read = leakage(
                rows["train"][modality],
                train.labels[modality][known],
                Z_test=rows["test"][modality],
                labels_test=test.labels[modality][known],
                probe=probe,
            )
            values.append(np.mean(list(read.values())))
    return float(np.mean(values))


def _cka(embed: Embed, test: Bunch) -> float:
    """Return the mean unbiased CKA over pairs of modalities; partners by class are drawn."""
    data = test.data.draw(random_state=0) if isinstance(test.data, ClassPairs) else test.data
    embedded = embed(dict(data))
    pairs = combinations(embedded.values(), 2)
    return float(np.mean([cka(z, w, unbiased=True) for z, w in pairs]))
