"""The tables of `docs/objectives.md`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

MEASURES = {
    "recall": "recall@1",
    "left_out": "recall@1, one by all others",
    "CKA": "CKA",
    "gap": "modality gap",
    "leakage": "leakage",
    "n_components": "dimension",
    "seconds": "seconds",
}


def report(measured: pd.DataFrame) -> str:
    """Return one table for each dataset, with and without the closed-form bottleneck."""
    parts = []
    for name in measured["set"].unique():
        of_set = measured[measured["set"] == name]
        for bottleneck in ("canonical", "none"):
            rows = of_set[of_set["bottleneck"] == bottleneck]
            n_seeds = rows["seed"].nunique()
            title = "with" if bottleneck == "canonical" else "without"
            parts.append(f"### {name}, {title} the closed-form bottleneck ({n_seeds} seeds)\n")
            parts.append(_table(rows))
    return "\n".join(parts)


def _table(rows: pd.DataFrame) -> str:
    shown = {key: title for key, title in MEASURES.items() if rows[key].notna().any()}
    lines = ["| objective | " + " | ".join(shown.values()) + " |", "|---" * (len(shown) + 1) + "|"]
    for method in rows["method"].unique():
        of_method = rows[rows["method"] == method]
        cells = [interval(of_method[key], 1 if key in ("seconds",) else 3) for key in shown]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def interval(values: pd.Series, decimals: int = 3) -> str:
    """Return the mean and half the width of its 95 % interval (Student's t over seeds)."""
    if len(values) < 2:
        return f"{values.mean():.{decimals}f}"
    half = stats.t.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values))
    return f"{values.mean():.{decimals}f} ± {half:.{decimals}f}"


def against(measured: pd.DataFrame, method: str, reference: str, measure: str) -> pd.Series:
    """Return the differences of a method to another on the same splits."""
    by = ["set", "bottleneck", "seed"]
    found = measured[measured["method"] == method].set_index(by)[measure]
    return (found - measured[measured["method"] == reference].set_index(by)[measure]).dropna()
