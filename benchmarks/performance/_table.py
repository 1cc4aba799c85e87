"""The table of the results."""

from __future__ import annotations

import pandas as pd


def table(results: pd.DataFrame) -> str:
    """Return the results as Markdown, one row for each ratio."""
    lines = ["| what | beside | ours | ratio |", "|:--|:--|--:|:--|"]
    for _, row in results.iterrows():
        span = f"{_short(row['low'])} to {_short(row['high'])}"
        ours = _with_unit(row["ours"], row["unit"])
        lines.append(
            f"| {row['what']} | {row['rival']} | {ours} | **{_short(row['ratio'])}** ({span}) |"
        )
    return "\n".join(lines) + "\n"


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _with_unit(value: float, unit: str) -> str:
    if unit == "s" and value < 0.1:
        value, unit = (1000 * value, "ms") if value >= 1e-4 else (1e6 * value, "µs")
    return f"{value:.3g} {unit}"
