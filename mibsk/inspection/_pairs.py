"""Embeddings of pairs, of one model or of several: mappings become checked matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._checks.devices import FloatMatrix, double, to_numpy
from .._checks.matrices import as_matrix, check_same_columns
from ..metrics.rows import unit_rows
from ._models import check_models


def as_array(Z: Any, name: str, *, min_rows: int = 2) -> FloatMatrix:
    """Return embeddings (n, d), of whatever kind and on whatever device, as float64."""
    return double(to_numpy(as_matrix(Z, name, min_rows=min_rows)))


def read_pairs(embeddings: Any, *, min_columns: int = 1) -> dict[str, dict[str, FloatMatrix]]:
    """Return model -> modality -> embeddings (n, d), with as many rows in all.

    Parameters
    ----------
    embeddings : mapping of two names to array-like, or mapping of str to those
        The pairs of one model, which is then called after them, or of several.
    min_columns : int, default=1
        So many at least.

    Raises
    ------
    TypeError
        If something else than a mapping or an array came.
    ValueError
        If a model has not two modalities, the models differ in modalities or rows, or the arrays
        are no finite matrices with as many columns.
    """
    found = as_models(embeddings)
    several = found is embeddings
    models = {
        key: _read(pair, f"embeddings[{key!r}]" if several else "embeddings", min_columns)
        for key, pair in found.items()
    }
    n_pairs(models)
    return models


def as_models(embeddings: Any) -> Mapping[str, Any]:
    """Return model -> modality -> embeddings; a single model is called after its modalities.

    Raises
    ------
    TypeError
        If `embeddings` is no mapping.
    ValueError
        If it is empty, or holds more models than there are colours.
    """
    if not isinstance(embeddings, Mapping):
        raise TypeError(
            "embeddings must map modalities to their embeddings, or models to such mappings, got "
            f"{type(embeddings).__name__}: pass what aligner.embed returns"
        )
    if embeddings and not any(isinstance(value, Mapping) for value in embeddings.values()):
        return {" and ".join(map(str, embeddings)): embeddings}
    check_models(embeddings, "embeddings")
    return embeddings


def n_pairs(models: Mapping[str, Mapping[str, FloatMatrix]]) -> int:
    """Return the number of pairs, the same for all models and modalities."""
    first = next(iter(models.values()))
    for key, pair in models.items():
        if list(pair) != list(first):
            raise ValueError(
                f"all models must embed the same modalities in the same order, got {list(first)} "
                f"and, for {key!r}, {list(pair)}"
            )
    lengths = {(key, name): len(Z) for key, pair in models.items() for name, Z in pair.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{key}/{name}: {n}" for (key, name), n in lengths.items())
        raise ValueError(
            f"row i must be the same pair in all embeddings, got unequal numbers of rows ({found}):"
            " pass as many rows in all"
        )
    return next(iter(lengths.values()))


def choose_rows(n: int, n_wanted: int, random_state: int | None) -> np.ndarray:
    """Return the numbers of at most `n_wanted` of `n` rows, sorted; None chooses anew."""
    if n <= n_wanted:
        return np.arange(n)
    rng = np.random.default_rng(random_state)
    return np.sort(rng.choice(n, n_wanted, replace=False))


def cosines(Z: FloatMatrix, W: FloatMatrix) -> FloatMatrix:
    """Return the cosine of every row of `Z` with every row of `W`; with a row of zeros it is 0."""
    result: FloatMatrix = np.clip(unit_rows(Z) @ unit_rows(W).T, -1.0, 1.0)  # rounding exceeds 1
    return result


def _read(pair: Any, where: str, min_columns: int) -> dict[str, FloatMatrix]:
    """Return both modalities of one model as matrices with as many columns."""
    if not isinstance(pair, Mapping):
        raise TypeError(
            f"{where} must map two modalities to their embeddings, got {type(pair).__name__}: pass "
            "what aligner.embed returns"
        )
    if len(pair) != 2:
        raise ValueError(
            f"{where} must hold two modalities, got {len(pair)}: {list(pair)}. Choose two"
        )
    matrices = {str(name): as_array(Z, f"{where}[{name!r}]") for name, Z in pair.items()}
    (first, Z), (second, W) = matrices.items()
    check_same_columns(Z, W, (f"{where}[{first!r}]", f"{where}[{second!r}]"))
    if Z.shape[1] < min_columns:
        raise ValueError(
            f"{where} must have {min_columns} columns or more to be seen in a plane, got "
            f"{Z.shape[1]}"
        )
    return matrices
