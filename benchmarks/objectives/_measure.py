"""Training with one objective on one split, and its measures on held-out rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from itertools import combinations, permutations
from typing import Any

import numpy as np

from mibsk import IBAligner
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.losses import MINIMALITY, SUFFICIENCY
from mibsk.metrics import cka, leakage, modality_gap, recall_at_k

from ._sets import Rows, Views, split

MAX_EPOCHS = 20
SHARED = {"encoders": "mlp", "max_epochs": MAX_EPOCHS, "n_components": 64, "batch_size": 128}
Embed = Callable[[Views], Views]


def methods() -> dict[str, dict[str, Any]]:
    """Return the parameters of each objective: each term beside the default of the other part."""
    of_sufficiency = {name: {"sufficiency": name} for name in SUFFICIENCY}
    of_minimality = {f"infonce + {name}": {"minimality": name} for name in MINIMALITY}
    del of_minimality["infonce + gaussian"]  # that is infonce
    return {"infonce, beta=0": {"beta": 0.0}, **of_sufficiency, **of_minimality}


def measure(name: str, method: str, seed: int) -> list[dict[str, Any]]:
    """Train once, and measure the embeddings before and after the closed-form bottleneck.

    Returns no rows if the objective does not take the number of modalities.
    """
    train, test = split(name, seed)
    if method == "triangle" and len(train.views) != 3:
        return []
    aligner = IBAligner(**SHARED, **methods()[method], random_state=seed)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateRowsWarning)  # one image, many recordings
        aligner.fit(train.views)
    seconds = time.process_time() - start
    found = [_measures(aligner.embed, train, test) | {"bottleneck": "canonical"}]
    for modality in aligner.modality_names_:
        aligner.module_.encoder(modality).bottleneck = None
    found.append(_measures(aligner.embed, train, test) | {"bottleneck": "none"})
    keys = {"set": name, "method": method, "seed": seed, "seconds": seconds}
    return [keys | row for row in found]


def _measures(embed: Embed, train: Rows, test: Rows) -> dict[str, float]:
    Z, fitted = embed(test.views), embed(train.views)
    labels = None if test.labels is None else (test.labels, test.labels)
    pairs = list(combinations(Z.values(), 2))
    leaked = [
        np.mean(
            list(
                leakage(
                    fitted[modality],
                    train.nuisances[modality],
                    Z_test=Z[modality],
                    labels_test=test.nuisances[modality],
                ).values()
            )
        )
        for modality in test.nuisances
    ]
    return {
        "recall": _mean(recall_at_k(z, w, labels=labels) for z, w in permutations(Z.values(), 2)),
        "left_out": _mean(_left_out(Z, modality, labels) for modality in Z),
        "CKA": _mean(cka(z, w, unbiased=True) for z, w in pairs),
        "gap": _mean(modality_gap(z, w) for z, w in pairs),
        "leakage": _mean(leaked),
        "n_components": float(next(iter(Z.values())).shape[1]),
    }


def _left_out(Z: Views, modality: str, labels: Any) -> float:
    """Return recall@1 of the rows of a modality by the mean of the embeddings of all others."""
    query = np.sum([z for name, z in Z.items() if name != modality], axis=0)
    return float(recall_at_k(query, Z[modality], labels=labels))


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))
