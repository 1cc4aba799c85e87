"""What a fitted estimator knows of its training."""

from __future__ import annotations

import inspect
import math
from typing import Any

from sklearn.base import BaseEstimator

from ..estimators import PairedTransformer


def training_facts(aligner: PairedTransformer) -> dict[str, Any]:
    """Return number of pairs, epochs, losses and directions, as far as the estimator has them."""
    fitted = getattr(aligner, "best_estimator_", aligner)
    facts: dict[str, Any] = {}
    if (n_pairs := getattr(fitted, "n_samples_", None)) is not None:
        facts["n_pairs"] = n_pairs
    if history := getattr(fitted, "history_", None):
        facts["epochs"] = len(history)
        losses = ("train_loss", "valid_loss")
        facts["last_epoch"] = {key: history[-1][key] for key in losses if key in history[-1]}
    if (closed_form := getattr(fitted, "closed_form_", None)) is not None:
        facts["weight_of_the_closed_form"] = _weight(closed_form.alpha)
    correlations = getattr(fitted, "correlations_", None)
    if correlations is not None and len(correlations):
        column = next(c for c in ("held_out", "cross_fitted", "train") if c in correlations)
        kept = correlations.loc[correlations["kept"].astype(bool), column]
        facts["directions"] = {"kept": len(kept)}
        if len(kept):
            facts["directions"][f"correlations_{column}"] = {
                "first": kept.iloc[0],
                "last_kept": kept.iloc[-1],
            }
    return facts


def changed_params(estimator: BaseEstimator, params: dict[str, str]) -> list[str]:
    """Return names of the parameters, given as text, that are not the defaults of the estimator."""
    known = inspect.signature(type(estimator)).parameters
    return [
        name for name, text in params.items() if name in known and text != repr(known[name].default)
    ]


def _weight(alpha: float) -> float | str:
    if math.isinf(alpha):
        return "infinity: the closed form alone"
    return alpha if alpha else "0: the networks alone"
