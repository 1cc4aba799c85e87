"""Embeddings from fitted aligners: of pairs, or of each modality's own rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline

from ..._checks.parameters import suggest
from ..._checks.row_names import check_row_names
from .models import as_runs, check_models


def last_step(estimator: Any) -> Any:
    """Return the last step of a pipeline, and any other estimator itself."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def as_aligner(estimator: Any, where: str = "estimator") -> Any:
    """Return the fitted aligner itself, which may be the last step of a pipeline."""
    aligner = last_step(estimator)
    if not hasattr(aligner, "embed") or isinstance(aligner, type):
        raise TypeError(
            f"{where} must be a fitted IBAligner or a Pipeline that ends with one, got "
            f"{estimator!r:.80}."
        )
    return aligner


def as_estimators(estimator: Any, *, allow_runs: bool = False) -> dict[str, Any]:
    """Return name -> estimator; a single one is named after its class.

    With `allow_runs`, a name may have a list of estimators.
    """
    if not isinstance(estimator, Mapping):
        return {type(as_aligner(estimator)).__name__: estimator}
    check_models(estimator, "estimator")
    for key, value in estimator.items():
        for model in as_runs(value) if allow_runs else [value]:
            as_aligner(model, f"estimator[{key!r}]")
    return dict(estimator)


def prepare(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return the aligner, and `X` transformed by the earlier steps of a pipeline."""
    aligner = as_aligner(estimator)
    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
        X = estimator[:-1].transform(X)
    return aligner, X


def embed_pairs(
    estimator: Any, X: Any, y: Any, modalities: tuple[str, str] | None
) -> dict[str, dict[str, np.ndarray]]:
    """Return model -> modality -> embeddings of two modalities whose rows are pairs."""
    embedded = {}
    for key, model in as_estimators(estimator).items():
        aligner, rows = prepare(model, X)
        embedded[key] = choose_two(aligner.embed(rows, y), modalities)
    return embedded


def choose_two(found: Mapping[str, Any], modalities: tuple[str, str] | None) -> dict[str, Any]:
    """Return the entries of the two chosen modalities; None requires that there are two."""
    if modalities is None:
        if len(found) != 2:
            raise ValueError(
                f"two modalities are drawn, got {len(found)}: {list(found)}. Choose with "
                "modalities=(first, second)."
            )
        return dict(found)
    chosen = () if isinstance(modalities, str) else tuple(modalities)
    if len(chosen) != 2 or chosen[0] == chosen[1]:
        raise TypeError(f"modalities must be two different names, got {modalities!r}.")
    for name in chosen:
        if name not in found:
            raise ValueError(
                f"modalities has {name!r}, the data have {list(found)}." + suggest(name, found)
            )
    return {name: found[name] for name in chosen}


def embed_each(models: Mapping[Any, Any], X: Any, y: Any = None) -> dict[Any, Any] | None:
    """Return key -> modality -> embeddings of the modality's own rows, not necessarily pairs.

    For a list of aligners, these are a list; if `X` is None, None is returned.
    """
    if X is None:
        return None
    embedded: dict[Any, Any] = {}
    for key, value in models.items():
        runs = [_embed_each(model, X, y) for model in as_runs(value)]
        embedded[key] = runs if isinstance(value, list | tuple) else runs[0]
    return embedded


def _embed_each(estimator: Any, X: Any, y: Any) -> dict[str, np.ndarray]:
    aligner, X = prepare(estimator, X)
    if are_class_pairs(X):
        return {name: aligner.embed_modality(name, X[name]) for name in X}  # in order of labels
    embedded: dict[str, np.ndarray] = aligner.embed(X, y)
    return embedded


def pair_labels(X: Any, labels: ArrayLike | None) -> ArrayLike | None:
    """Return the given labels of pairs; None returns those of :class:`mibsk.ClassPairs`."""
    check_row_names({"X": X, "labels": labels})
    return X.labels if labels is None and are_class_pairs(X) else labels


def are_class_pairs(X: Any) -> bool:
    """Whether `X` is :class:`mibsk.ClassPairs`."""
    from ...data import ClassPairs  # imports torch, which Displays need for aligners only

    return isinstance(X, ClassPairs)
