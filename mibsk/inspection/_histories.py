"""Histories of training become a checked table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ._models import check_models, shown_names

_COLUMNS = {  # key of an epoch -> column
    "epoch": "epoch",
    "train_sufficiency": "sufficiency",
    "train_minimality": "minimality",
    "train_divergence": "divergence",
    "temperature": "temperature",
}
_OPTIONAL = {  # those of held-out pairs, and what earlier models have not recorded
    "beta": "beta",
    "train_modality_gap": "modality_gap",
    "valid_loss": "valid_loss",
    "valid_divergence": "valid_divergence",
    "valid_modality_gap": "valid_modality_gap",
}


def read_histories(
    histories: Mapping[str, Sequence[Any]], names: Mapping[str, str] | None
) -> pd.DataFrame:
    """Return one row per model, run and epoch.

    Parameters
    ----------
    histories : mapping of str to list of dict, or to list of lists of dict
        Model -> one history, or several.
    names : mapping of str to str, or None
        Model -> name to show.

    Returns
    -------
    DataFrame
        With columns ``model``, ``run``, ``epoch``, ``loss``, ``sufficiency``, ``minimality``,
        ``divergence``, ``temperature``, and, NaN where unknown, ``beta``, ``modality_gap``,
        ``valid_loss``, ``valid_divergence`` and ``valid_modality_gap``.

    Raises
    ------
    ValueError
        If a history is empty, lacks a key, holds a value that is not finite, or its epochs do not
        count upwards; or if runs of one model have no epoch in common.
    TypeError
        If `histories` is no mapping, or a history no list of dicts.
    """
    check_models(histories, "histories")
    shown = shown_names(histories, names)
    tables = [
        _read_history(history, f"histories[{key!r}]").assign(model=shown[key], run=run)
        for key in histories
        for run, history in enumerate(_runs(histories[key], f"histories[{key!r}]"))
    ]
    curves = pd.concat(tables, ignore_index=True)
    for model, runs in curves.groupby("model"):
        if mean_and_range(runs, "epoch").empty:
            raise ValueError(f"the runs of {model!r} have no epoch in common: count from 1 in all")
    curves["loss"] = curves["sufficiency"] + curves["minimality"]
    return curves[
        ["model", "run", "epoch", "loss", *list(_COLUMNS.values())[1:], *_OPTIONAL.values()]
    ]


def mean_and_range(runs: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return mean, min and max per epoch (the index), over the epochs that all runs have."""
    table = runs.groupby("epoch")[quantity].agg(["mean", "min", "max", "count"])
    return table[table["count"] == runs["run"].nunique()]


def _runs(value: Any, where: str) -> list[Any]:
    """Return one history, or several of them, as a list of histories."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise TypeError(
            f"{where} must be a list of epochs or a list of such lists, got "
            f"{type(value).__name__}: pass aligner.history_"
        )
    if not value:
        raise ValueError(f"{where} is empty: pass the history_ of a fitted aligner")
    return [value] if isinstance(value[0], Mapping) else list(value)


def _read_history(history: Any, where: str) -> pd.DataFrame:
    """Return one run's epochs as rows, as numbers."""
    if not (isinstance(history, Sequence) and all(isinstance(e, Mapping) for e in history)):
        raise TypeError(f"{where} must hold a dict per epoch: pass aligner.history_")
    if not history:
        raise ValueError(f"{where} has no epoch: pass the history_ of a fitted aligner")
    for i, epoch in enumerate(history):
        if missing := [key for key in _COLUMNS if key not in epoch]:
            raise ValueError(
                f"{where}: epoch number {i} lacks {missing}, it has {sorted(map(str, epoch))}: "
                "pass aligner.history_ as it is"
            )
    columns = _COLUMNS | _OPTIONAL
    table = pd.DataFrame(list(history)).reindex(columns=list(columns)).astype(float)
    if not np.isfinite(table[list(_COLUMNS)]).all(axis=None):
        raise ValueError(f"{where} has values that are NaN or infinite: drop those epochs")
    if not table["epoch"].is_monotonic_increasing or table["epoch"].duplicated().any():
        raise ValueError(f"{where} must count its epochs upwards, got {table['epoch'].tolist()}")
    return table.rename(columns=columns)
