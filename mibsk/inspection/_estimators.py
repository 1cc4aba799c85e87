"""What the Displays ask of fitted aligners: embeddings of pairs, or of each modality's own rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline

from .._checks.parameters import suggest
from ._models import check_models


def as_aligner(estimator: Any, where: str = "estimator") -> Any:
    """Return the fitted aligner itself, the last step where it ends a pipeline.

    Raises
    ------
    TypeError
        If it is no aligner.
    """
    aligner = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not hasattr(aligner, "embed") or isinstance(aligner, type):
        raise TypeError(
            f"{where} must be a fitted IBAligner or a Pipeline that ends with one, got "
            f"{estimator!r:.80}"
        )
    return aligner


def as_estimators(estimators: Any) -> dict[str, Any]:
    """Return name -> estimator for one estimator, named after its class, or for several.

    Raises
    ------
    TypeError
        If one is no aligner.
    ValueError
        If there are none, or too many to draw.
    """
    if not isinstance(estimators, Mapping):
        return {type(as_aligner(estimators)).__name__: estimators}
    check_models(estimators, "estimator")
    for key, estimator in estimators.items():
        as_aligner(estimator, f"estimator[{key!r}]")
    return dict(estimators)


def prepare(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return the aligner, and `X` as it comes out of the steps of a pipeline before it."""
    aligner = as_aligner(estimator)
    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
        X = estimator[:-1].transform(X)
    return aligner, X


def embed_pairs(
    estimator: Any, X: Any, y: Any = None, modalities: tuple[str, str] | None = None
) -> dict[str, np.ndarray]:
    """Return the embeddings of two modalities whose rows are pairs.

    Parameters
    ----------
    estimator : IBAligner or Pipeline
        Fitted.
    X, y : data
        As `IBAligner.embed` takes them. Of :class:`mibsk.ClassPairs` one draw of partners is taken.
    modalities : tuple of two names, default=None
        Which; None where there are two.

    Raises
    ------
    ValueError
        If the modalities are not there, or there are more than two and none are chosen.
    """
    aligner, X = prepare(estimator, X)
    embedded: dict[str, np.ndarray] = aligner.embed(X, y)
    return choose_two(embedded, modalities)


def choose_two(found: Mapping[str, Any], modalities: tuple[str, str] | None) -> dict[str, Any]:
    """Return the entries of two modalities, those chosen, or all where there are two.

    Raises
    ------
    TypeError
        If the choice is no pair of names.
    ValueError
        If it is not there, or there is none among more.
    """
    if modalities is None:
        if len(found) != 2:
            raise ValueError(
                f"two modalities are drawn, got {len(found)}: {list(found)}. Choose with "
                "modalities=(first, second)"
            )
        return dict(found)
    chosen = () if isinstance(modalities, str) else tuple(modalities)
    if len(chosen) != 2 or chosen[0] == chosen[1]:
        raise TypeError(f"modalities must be two different names, got {modalities!r}")
    for name in chosen:
        if name not in found:
            raise ValueError(
                f"modalities has {name!r}, the data have {list(found)}." + suggest(name, found)
            )
    return {name: found[name] for name in chosen}


def embed_each(estimator: Any, X: Any, y: Any = None) -> dict[str, np.ndarray]:
    """Return the embeddings of each modality's own rows, which need not be pairs.

    Of :class:`mibsk.ClassPairs` these are all rows of a modality, in the order of its labels.
    """
    aligner, X = prepare(estimator, X)
    if are_class_pairs(X):
        return {name: aligner.embed_modality(name, X[name]) for name in X}
    embedded: dict[str, np.ndarray] = aligner.embed(X, y)
    return embedded


def pair_labels(X: Any, labels: ArrayLike | None) -> ArrayLike | None:
    """Return the given labels of pairs, else those that :class:`mibsk.ClassPairs` have."""
    return X.labels if labels is None and are_class_pairs(X) else labels


def are_class_pairs(X: Any) -> bool:
    """Whether `X` is :class:`mibsk.ClassPairs`."""
    from ..data import ClassPairs  # late, as it brings torch, which only aligners need

    return isinstance(X, ClassPairs)
