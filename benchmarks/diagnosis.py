"""Compare what `diagnose` says of a network with what `IBAligner()` was measured to add.

    python -m benchmarks.diagnosis DATA --out benchmarks/diagnosis.csv

`benchmarks/small_data/results.csv` has recall@1 of `IBAligner()` and of the closed form on test
rows, for several sets, numbers of training rows and seeds. Here the same training rows are
diagnosed, and nothing else. DATA is a folder with the datasets; rows that are already in the file
are not measured again.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from mibsk.reporting import diagnose

from .small_data._sets import SETS, sizes, split

MEASURED = Path(__file__).parent / "small_data" / "results.csv"
CELL = ["set", "rows"]


def measure(name: str, folder: Path, n_rows: int | None, seed: int) -> dict[str, Any]:
    """Diagnose the training rows of a split."""
    part = split(name, folder, seed, n_rows)
    labels = None if part.train_labels is None else {"class": part.train_labels}
    found = diagnose(
        part.train,
        labels,
        match=None if labels is None else "class",
        n_permutations=0,  # what is said of a network does not depend on the test
        random_state=seed,
    )
    gain, doubling = found.nonlinear.difference, found.learning.per_doubling
    return {
        "set": name,
        "rows": "all" if n_rows is None else str(n_rows),
        "seed": seed,
        "sharing": found.sharing,
        "n_directions": found.shared.n_directions,
        "recall": found.learning.points[-1].recall.value,
        "gain": gain.value,
        "low": gain.low,
        "high": gain.high,
        "network": found.network,
        "per_doubling": np.nan if doubling is None else doubling.value,
        "more_rows": found.rows,
    }


def report(diagnosed: pd.DataFrame) -> str:
    """Return how often each verdict was followed by a gain of `IBAligner()`."""
    results = pd.read_csv(MEASURED, dtype={"rows": str})
    wide = results.pivot_table(index=[*CELL, "seed"], columns="method", values="recall")
    gains = (wide["IBAligner()"] - wide["closed form"]).rename("measured")
    of_cell = gains.groupby(CELL).agg(["mean", "std", "count"])
    half = stats.t.ppf(0.975, of_cell["count"] - 1) * of_cell["std"] / np.sqrt(of_cell["count"])
    outcome = np.select([of_cell["mean"] > half, of_cell["mean"] < -half], ["gains", "loses"], "?")
    of_cell["outcome"] = outcome
    joined = diagnosed.join(of_cell[["mean", "outcome"]], on=CELL)
    joined = joined.join(gains, on=[*CELL, "seed"])
    counts = pd.crosstab(joined["network"], joined["outcome"])
    within = joined.groupby("network")["measured"].describe()[["count", "mean", "min", "max"]]
    rank = stats.spearmanr(joined["gain"], joined["measured"]).statistic
    cells = joined.groupby(CELL, sort=False)[["gain", "mean"]].mean().round(3)
    gaining = (joined["outcome"] == "gains").sum()
    return (
        f"{counts.to_string()}\n\nIBAligner() gains in {gaining} of {len(joined)}, whatever is said"
        f"\n\ngain of IBAligner() on the test rows, by verdict:\n"
        f"{within.round(3).to_string()}\n\nrank correlation of the gains: {rank:.2f}\n\n"
        f"{cells.to_string()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the datasets")
    parser.add_argument("--out", type=Path, required=True, help="CSV file")
    parser.add_argument("--sets", nargs="*", default=[name for name in SETS if name != "Omniglot"])
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    os.environ["MIBSK_DATA"] = str(options.folder)
    rows: list[dict[str, Any]] = []
    if options.out.exists():
        rows = pd.read_csv(options.out, dtype={"rows": str}).to_dict("records")
    done = {(row["set"], row["rows"], row["seed"]) for row in rows}
    for seed in range(options.seeds):
        for name in options.sets:
            for n_rows in sizes(name, options.folder):
                if (name, str(n_rows or "all"), seed) in done:
                    continue
                rows.append(measure(name, options.folder, n_rows, seed))
                pd.DataFrame(rows).to_csv(options.out, index=False, float_format="%.4g")
                print(*rows[-1].values(), flush=True)
    print(report(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
