"""The tables of `docs/objectives.md`."""

from __future__ import annotations

import pandas as pd

from .._intervals import interval

REFERENCE = "infonce"
COLUMNS = {  # measure, bottleneck, number of decimals
    "recall@1": ("recall", "canonical", 3),
    "without closed form": ("recall", "none", 3),
    "one by all others": ("left_out", "canonical", 3),
    "CKA": ("CKA", "canonical", 3),
    "gap": ("gap", "canonical", 3),
    "leakage": ("leakage", "canonical", 3),
    "leakage without": ("leakage", "none", 3),
    "seconds": ("seconds", "canonical", 1),
}


def report(measured: pd.DataFrame) -> str:
    """Return the differences to the default, and one table for each dataset."""
    parts = [differences(measured)]
    for name in measured["set"].unique():
        of_set = measured[measured["set"] == name]
        parts.append(f"**{name}** ({of_set['seed'].nunique()} seeds)\n\n{_table(of_set)}")
    return "\n".join(parts)


def differences(measured: pd.DataFrame) -> str:
    """Return recall@1 less that of the default on the same splits, with the closed form."""
    with_form = measured[measured["bottleneck"] == "canonical"]
    table = with_form.pivot_table(index="method", columns=["set", "seed"], values="recall")
    less = table - table.loc[REFERENCE]
    sets = list(measured["set"].unique())
    lines = ["| objective | " + " | ".join(sets) + " |", "|---" * (len(sets) + 1) + "|"]
    for method in measured["method"].unique():
        if method != REFERENCE:
            cells = [interval(less.loc[method, name], sign="+") for name in sets]
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _table(rows: pd.DataFrame) -> str:
    lines = ["| objective | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for method in rows["method"].unique():
        of_method = rows[rows["method"] == method]
        cells = [
            interval(of_method[of_method["bottleneck"] == bottleneck][measure], decimals)
            for measure, bottleneck, decimals in COLUMNS.values()
        ]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
