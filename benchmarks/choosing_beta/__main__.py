"""Measure every method on every dataset and seed, and print the tables.

    python -m benchmarks.choosing_beta --out benchmarks/choosing_beta/results.csv

Rows that are already in the file are not measured again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from ._measure import measure, methods
from ._report import report
from ._sets import SETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="CSV file")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--methods", nargs="*", help="default: all that suit a set")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    measured = pd.read_csv(options.out) if options.out.exists() else pd.DataFrame()
    done = set() if measured.empty else set(zip(*(measured[k] for k in _KEYS), strict=True))
    suitable = {name: methods(name) for name in options.sets}
    todo = [
        (name, method, seed)
        for seed in range(options.seeds)
        for name in options.sets
        for method in suitable[name]
        if method in (options.methods or suitable[name]) and (name, method, seed) not in done
    ]
    runs = Parallel(n_jobs=options.jobs, return_as="generator")(delayed(measure)(*t) for t in todo)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for i, row in enumerate(runs, 1):
        measured = pd.concat([measured, pd.DataFrame([row])], ignore_index=True)
        measured.to_csv(options.out, index=False, float_format="%.6g")
        shown = {key: round(value, 3) for key, value in row.items() if isinstance(value, float)}
        print(f"{i}/{len(todo)}", row["set"], row["method"], row["seed"], shown, flush=True)
    print(report(measured))


_KEYS = ("set", "method", "seed")

if __name__ == "__main__":
    main()
