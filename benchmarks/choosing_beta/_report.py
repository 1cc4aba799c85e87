"""The tables of `docs/choosing-beta.md`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from ._measure import BUDGET, CANONICAL

PLAIN, AUTO, BEST = "beta=0", "auto", "best of the grid"
MEASURES = ("retrieval", "leakage", "leakage_mlp", "kept", "CKA", "n_components", "seconds")
OTHERS = ("VICReg", "Barlow Twins", "DCCA", "DMCCA", "DGCCA")


def interval(values: pd.Series) -> str:
    """Return the mean and half the width of its 95 % interval (Student's t over seeds)."""
    values = values.dropna()
    if values.empty:
        return "—"
    if len(values) < 2:
        return f"{values.mean():.3f}"
    half = stats.t.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values))
    return f"{values.mean():.3f} ± {half:.3f}"


def best_of_grid(measured: pd.DataFrame) -> pd.DataFrame:
    """Return, for each set and seed, the row of the grid with the least leakage within the budget.

    The choice uses the reported test rows, so that it is better than any choice of a user.
    """
    grid = measured[measured["method"].str.startswith("beta=")]
    plain = grid[grid["method"] == PLAIN].set_index(["set", "seed"])["retrieval"]
    floor = (1 - BUDGET) * plain.loc[pd.MultiIndex.from_frame(grid[["set", "seed"]])].to_numpy()
    within = grid[grid["retrieval"] >= floor]
    return within.loc[within.groupby(["set", "seed"])["leakage"].idxmin()].assign(method=BEST)


def verdicts(measured: pd.DataFrame) -> pd.DataFrame:
    """Return, for each set, the leakage of auto relative to others, and how it keeps its budget."""
    by = ["set", "seed"]
    auto = measured[measured["method"] == AUTO].set_index(by)
    plain = measured[measured["method"] == PLAIN].set_index(by)
    best = best_of_grid(measured).set_index(by)
    rows = []
    for name in auto.index.unique("set"):
        a, p, b = auto.loc[name], plain.loc[name], best.loc[name]
        ratio = a["retrieval"] / p["retrieval"]
        rows.append(
            {
                "set": name,
                "beta at the end": interval(a["beta"]),
                "leakage, auto less best of the grid": interval(a["leakage"] - b["leakage"]),
                "leakage, auto less contrastive alone": interval(a["leakage"] - p["leakage"]),
                "retrieval, auto over contrastive alone": interval(ratio),
                "least of it": f"{ratio.min():.3f}",
                "seeds within the budget": f"{(ratio >= 1 - BUDGET).sum()} of {len(ratio)}",
            }
        )
    return pd.DataFrame(rows)


def closed_form_verdicts(measured: pd.DataFrame) -> pd.DataFrame:
    """Return, for each set, the closed form relative to the contrastive loss and to others.

    Differences are paired over seeds.
    """
    values = measured.pivot_table(
        index=["set", "seed"], columns="method", values=["retrieval", "leakage"], sort=False
    )
    rows = []
    for name in measured["set"].unique():
        of_set = values.loc[name]
        row = {"set": name}
        for method in CANONICAL:
            if method not in of_set["retrieval"]:
                continue
            gained = of_set["retrieval"][method] - of_set["retrieval"][PLAIN]
            row[f"{method}: retrieval less {PLAIN}"] = interval(gained)
            row[f"{method}: leakage"] = interval(of_set["leakage"][method])
        for other in OTHERS:
            if "both" in of_set["leakage"] and other in of_set["leakage"]:
                difference = of_set["leakage"]["both"] - of_set["leakage"][other]
                row[f"leakage, both less {other}"] = interval(difference)
        rows.append(row)
    return pd.DataFrame(rows)


def table(measured: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return one row per method of a set."""
    rows = pd.concat([measured, best_of_grid(measured)])
    rows = rows[rows["set"] == name]
    return pd.DataFrame(
        {
            "method": method,
            "seeds": len(of_method),
            **{measure: interval(of_method[measure]) for measure in MEASURES},
        }
        for method, of_method in rows.groupby("method", sort=False)
    )


def report(measured: pd.DataFrame) -> str:
    """Return all tables as Markdown."""
    parts = [
        verdicts(measured).to_markdown(index=False),
        closed_form_verdicts(measured).to_markdown(index=False),
    ]
    for name in measured["set"].unique():
        parts.append(f"### {name}\n\n{table(measured, name).to_markdown(index=False)}")
    return "\n\n".join(parts)
