"""The tables of `docs/choosing-beta.md`."""

from __future__ import annotations

import pandas as pd

from .._intervals import interval
from ._measure import BUDGET, CANONICAL

PLAIN, AUTO, BEST = "beta=0", "auto", "best of the grid"
MEASURES = {  # number of decimals
    "retrieval": 3,
    "leakage": 3,
    "leakage_mlp": 3,
    "kept": 3,
    "CKA": 3,
    "n_components": 1,
    "seconds": 3,
}
OTHERS = {
    PLAIN: "contrastive alone",
    "VICReg": "VICReg",
    "Barlow Twins": "Barlow Twins",
    "DCCA": "DCCA (six views: DMCCA)",
}


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
    for name in measured["set"].unique():
        a, p, b = auto.loc[name], plain.loc[name], best.loc[name]
        ratio = (a["retrieval"] / p["retrieval"]).dropna()  # seeds of both
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


def canonical_verdicts(measured: pd.DataFrame, leaked: str) -> pd.DataFrame:
    """Return, for each set, the closed form less other methods, which have the same seeds.

    `leaked` is the column of the leakage: that of the linear probe or of the MLP.
    """
    retrieval, leakage = (_by_method(measured, measure) for measure in ("retrieval", leaked))
    return pd.DataFrame(
        {
            "set": name,
            "method": method,
            "retrieval, less contrastive alone": interval(
                retrieval.loc[name, method] - retrieval.loc[name, PLAIN]
            ),
            **{
                f"{leaked}, less {label}": interval(
                    leakage.loc[name, method] - leakage.loc[name, other]
                )
                for other, label in OTHERS.items()
            },
        }
        for name in measured["set"].unique()
        for method in CANONICAL
    )


def _by_method(measured: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return one column per method, NaN where it was not run; DMCCA is DCCA of many views."""
    named = measured.replace({"method": {"DMCCA": "DCCA"}})
    values = named.pivot(index=["set", "seed"], columns="method", values=measure)
    return values.reindex(columns=[*CANONICAL, *OTHERS])


def table(measured: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return one row per method of a set."""
    rows = pd.concat([measured, best_of_grid(measured)])
    rows = rows[rows["set"] == name]
    return pd.DataFrame(
        {
            "method": method,
            "seeds": len(of_method),
            **{
                measure: interval(of_method[measure], decimals)
                for measure, decimals in MEASURES.items()
            },
        }
        for method, of_method in rows.groupby("method", sort=False)
    )


def report(measured: pd.DataFrame) -> str:
    """Return all tables as Markdown."""
    tables = [verdicts(measured)]
    tables += [canonical_verdicts(measured, leaked) for leaked in ("leakage", "leakage_mlp")]
    parts = [each.to_markdown(index=False) for each in tables]
    for name in measured["set"].unique():
        parts.append(f"### {name}\n\n{table(measured, name).to_markdown(index=False)}")
    return "\n\n".join(parts)
