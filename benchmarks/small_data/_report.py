"""Tables of the measurements."""

from __future__ import annotations

import pandas as pd

from .._intervals import mean_and_half


def report(measured: pd.DataFrame) -> str:
    """Return a table of recall@1, one of seconds, and the cells in which another method is best."""
    return "\n\n".join([recalls(measured), seconds(measured), verdicts(measured)])


def recalls(measured: pd.DataFrame) -> str:
    """Return the mean recall@1 with the half-width of its interval over the seeds."""

    def cell(values: pd.Series) -> str:
        mean, half = mean_and_half(values)
        return f"{mean:.3f} ± {half:.3f}"

    table = measured.groupby(["set", "rows", "method"], sort=False)["recall"].apply(cell)
    return table.unstack("method").to_markdown()


def seconds(measured: pd.DataFrame) -> str:
    """Return the mean seconds of `fit`."""
    table = measured.groupby(["set", "rows", "method"], sort=False)["seconds"].mean()
    return table.unstack("method").round(1).to_markdown()


def verdicts(measured: pd.DataFrame, method: str = "IBAligner()") -> str:
    """Return, for each cell, the best other method, and the paired difference to it.

    The interval is that of the differences over the seeds (Student, 95 %).
    """
    rows = []
    for (name, n), part in measured.groupby(["set", "rows"], sort=False):
        part = part[part["method"] != "network"]  # the method without its closed form
        table = part.pivot_table(index="seed", columns="method", values="recall").dropna()
        if method not in table or table.shape[1] < 2 or len(table) < 2:
            continue
        others = table.drop(columns=method)
        best = others.mean().idxmax()
        mean, half = mean_and_half(table[method] - others[best])
        verdict = "better" if mean > half else "worse" if mean < -half else "equal"
        rows.append((name, n, best, f"{mean:+.3f} ± {half:.3f}", verdict))
    columns = ["set", "rows", "best other", f"{method} less it", "verdict"]
    return pd.DataFrame(rows, columns=columns).to_markdown(index=False)
