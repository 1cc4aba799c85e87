"""Embeddings of pairs, of one model or of several: mappings become checked matrices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..._checks.devices import FloatMatrix, double, to_numpy
from ..._checks.labels import as_labels
from ..._checks.matrices import as_matrix, check_same_columns
from ..._checks.parameters import check_scalar
from ..._checks.row_names import check_row_names
from ...metrics.rows import unit_rows
from .models import as_runs, check_models, shown_names

Pairs = dict[str, FloatMatrix]
"""Two modalities -> embeddings (n, d), row i of both being one pair."""


def as_array(Z: Any, name: str, *, min_rows: int = 2) -> FloatMatrix:
    """Return embeddings (n, d), an array or a tensor on any device, as a float64 array."""
    return double(to_numpy(as_matrix(Z, name, min_rows=min_rows)))


def sample_pairs(
    embeddings: Any,
    labels: ArrayLike | None,
    max_pairs: int,
    random_state: int | None,
    names: Mapping[str, str] | None,
    *,
    min_pairs: int = 1,
    min_columns: int = 1,
) -> tuple[dict[str, Pairs], np.ndarray, pd.Series[Any] | None]:
    """Return shown name -> pairs (n, d), the numbers of the rows to draw, and their labels.

    The parameters are those of `ModalityGapDisplay.from_embeddings`; `max_pairs` must be at least
    `min_pairs`, and d at least `min_columns`.
    """
    found = as_models(embeddings)
    check_row_names({"embeddings": embeddings, "labels": labels})
    several = found is embeddings
    models = {
        key: _read(pair, f"embeddings[{key!r}]" if several else "embeddings", min_columns)
        for key, pair in found.items()
    }
    n = _n_pairs(models)
    shown = shown_names(models, names)
    classes = None if labels is None else as_labels(labels, n, "labels")
    check_scalar("max_pairs", max_pairs, low=min_pairs, integer=True)
    rows = choose_rows(n, max_pairs, random_state)
    return (
        {shown[key]: pair for key, pair in models.items()},
        rows,
        None if classes is None else classes.iloc[rows],
    )


def as_models(embeddings: Any, *, allow_runs: bool = False) -> Mapping[str, Any]:
    """Return model -> modality -> embeddings; a single model is named after its modalities.

    With `allow_runs`, a model may have a list of such mappings.
    """
    if not isinstance(embeddings, Mapping):
        raise TypeError(
            "embeddings must map modalities to their embeddings, or models to such mappings, got "
            f"{type(embeddings).__name__}: pass what aligner.embed returns."
        )
    values: Iterable[Any] = embeddings.values()
    if allow_runs:
        values = chain.from_iterable(map(as_runs, values))
    if embeddings and not any(isinstance(value, Mapping) for value in values):
        return {" and ".join(map(str, embeddings)): embeddings}
    check_models(embeddings, "embeddings")
    return embeddings


def factor_name(labels: pd.Series[Any] | None) -> str:
    """Return the name of the factor of some labels, "class" if they have none."""
    return "class" if labels is None or labels.name is None else str(labels.name)


def choose_rows(n: int, n_wanted: int, random_state: int | None) -> np.ndarray:
    """Return the numbers of at most `n_wanted` of `n` rows, drawn at random and sorted."""
    if n <= n_wanted:
        return np.arange(n)
    rng = np.random.default_rng(random_state)
    return np.sort(rng.choice(n, n_wanted, replace=False))


def cosines(Z: FloatMatrix, W: FloatMatrix) -> FloatMatrix:
    """Return the cosine of every row of `Z` with every row of `W`; 0 for a row of zeros."""
    result: FloatMatrix = np.clip(unit_rows(Z) @ unit_rows(W).T, -1.0, 1.0)  # rounding exceeds 1
    return result


def _n_pairs(models: Mapping[str, Pairs]) -> int:
    """Return the number of pairs, the same for all models and modalities."""
    first = next(iter(models.values()))
    for key, pair in models.items():
        if list(pair) != list(first):
            raise ValueError(
                f"all models must embed the same modalities in the same order, got {list(first)} "
                f"and, for {key!r}, {list(pair)}."
            )
    lengths = {(key, name): len(Z) for key, pair in models.items() for name, Z in pair.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{key}/{name}: {n}" for (key, name), n in lengths.items())
        raise ValueError(
            f"row i must be the same pair in all embeddings, got unequal numbers of rows ({found}):"
            " pass the same number of rows in all."
        )
    return next(iter(lengths.values()))


def _read(pair: Any, where: str, min_columns: int) -> Pairs:
    """Return both modalities of one model as matrices with the same number of columns."""
    if not isinstance(pair, Mapping):
        raise TypeError(
            f"{where} must map two modalities to their embeddings, got {type(pair).__name__}: pass "
            "what aligner.embed returns."
        )
    if len(pair) != 2:
        raise ValueError(
            f"{where} must hold two modalities, got {len(pair)}: {list(pair)}. Choose two."
        )
    matrices = {str(name): as_array(Z, f"{where}[{name!r}]") for name, Z in pair.items()}
    (first, Z), (second, W) = matrices.items()
    check_same_columns(Z, W, (f"{where}[{first!r}]", f"{where}[{second!r}]"))
    if Z.shape[1] < min_columns:
        raise ValueError(
            f"{where} must have {min_columns} columns or more to be drawn in a plane, got "
            f"{Z.shape[1]}."
        )
    return matrices
