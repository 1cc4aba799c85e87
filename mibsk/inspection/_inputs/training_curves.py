"""Histories of training become a checked table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .models import shown_names

# Column -> key of an epoch. Beside these and `_INDEX`, a table of curves has the summands of the
# loss and the loss itself.
_RECORDED = {
    "divergence": "train_divergence",
    "temperature": "temperature",
    "beta": "beta",
    "modality_gap": "train_modality_gap",
    "valid_loss": "valid_loss",
    "valid_divergence": "valid_divergence",
    "valid_modality_gap": "valid_modality_gap",
}
_INDEX = ("model", "run", "epoch")
_COMPLETE = ("divergence", "temperature")  # in all epochs of a history, if in any
_NOT_SUMMANDS = {"loss", "divergence", "alignment", "modality_gap", "uniformity"}


def read_histories(
    histories: Mapping[str, Sequence[Any]],
    terms: Mapping[str, Sequence[str] | None],
    names: Mapping[str, str] | None,
) -> pd.DataFrame:
    """Return one row per model, run and epoch, with the columns of `TrainingDisplay`.

    `terms` maps each model to the names of the summands of its loss, or to None, which takes every
    ``train_<name>`` except those of `_NOT_SUMMANDS`.
    """
    shown = shown_names(histories, names)
    tables = [
        _read_history(history, terms[key], f"histories[{key!r}]").assign(model=shown[key], run=run)
        for key in histories
        for run, history in enumerate(_runs(histories[key], f"histories[{key!r}]"))
    ]
    curves = pd.concat(tables, ignore_index=True)
    for model, runs in curves.groupby("model"):
        if mean_and_range(runs, "epoch").empty:
            raise ValueError(f"the runs of {model!r} have no epoch in common: count from 1 in all.")
    order = [*_INDEX, "loss", *summands(curves), *_RECORDED]
    return curves[order]


def mean_and_range(runs: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return mean, min and max per epoch (the index), over the epochs that all runs have."""
    table = runs.groupby("epoch")[quantity].agg(["mean", "min", "max", "count"])
    return table[table["count"] == runs["run"].nunique()]


def summands(curves: pd.DataFrame) -> list[str]:
    """Return the columns that are summands of the loss, as far as they are known."""
    others = {*_INDEX, "loss", *_RECORDED}
    return [str(c) for c in curves.columns if c not in others and curves[c].notna().any()]


def _runs(value: Any, where: str) -> list[Any]:
    """Return one history, or several of them, as a list of histories."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise TypeError(
            f"{where} must be a list of epochs or a list of such lists, got "
            f"{type(value).__name__}: pass aligner.history_."
        )
    if not value:
        raise ValueError(f"{where} is empty: pass the history_ of a fitted aligner.")
    return [value] if isinstance(value[0], Mapping) else list(value)


def _read_history(history: Any, terms: Sequence[str] | None, where: str) -> pd.DataFrame:
    """Return one run's epochs as rows, as numbers."""
    if not (isinstance(history, Sequence) and all(isinstance(e, Mapping) for e in history)):
        raise TypeError(f"{where} must hold a dict per epoch: pass aligner.history_.")
    if not history:
        raise ValueError(f"{where} has no epoch: pass the history_ of a fitted aligner.")
    if terms is None:
        found = [key.removeprefix("train_") for key in history[0] if key.startswith("train_")]
        terms = [name for name in found if name not in _NOT_SUMMANDS]
    if not terms:
        raise ValueError(f"{where} has no summand of the loss, it has {sorted(history[0])}.")
    columns = {"epoch": "epoch"} | {name: f"train_{name}" for name in terms} | _RECORDED
    recorded = {key for epoch in history for key in epoch}
    needed = ["epoch", *terms, *(name for name in _COMPLETE if columns[name] in recorded)]
    for i, epoch in enumerate(history):
        if missing := [columns[name] for name in needed if columns[name] not in epoch]:
            raise ValueError(
                f"{where}: epoch number {i} lacks {missing}, it has {sorted(map(str, epoch))}: "
                "pass aligner.history_ as it is."
            )
    table = pd.DataFrame(
        {name: [epoch.get(key, np.nan) for epoch in history] for name, key in columns.items()},
        dtype=float,
    )
    if not np.isfinite(table[needed]).all(axis=None):
        raise ValueError(f"{where} has values that are NaN or infinite: drop those epochs.")
    if not table["epoch"].is_monotonic_increasing or table["epoch"].duplicated().any():
        raise ValueError(f"{where} must count its epochs upwards, got {table['epoch'].tolist()}.")
    return table.assign(loss=table[terms].sum(axis=1))
