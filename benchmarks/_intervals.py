"""Means over seeds with Student's intervals, as the tables show them."""

from __future__ import annotations

import math

import pandas as pd

from pipelines.intervals import over_seeds


def mean_and_half(values: pd.Series) -> tuple[float, float]:
    """Return the mean and half the width of its 95 % interval, NaN of a single value."""
    found = over_seeds(values)
    return found.value, found.high - found.value if found.n > 1 else math.nan


def interval(values: pd.Series, decimals: int = 3, sign: str = "") -> str:
    """Return the mean and half the width of its 95 % interval (Student's t over seeds)."""
    values = values.dropna()
    if values.empty:
        return "—"
    mean, half = mean_and_half(values)
    shown = f"{mean:{sign}.{decimals}f}"
    return shown if len(values) < 2 else f"{shown} ± {half:.{decimals}f}"
