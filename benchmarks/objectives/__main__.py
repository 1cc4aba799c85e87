"""Measure every objective on every dataset and seed, and print the tables.

    python -m benchmarks.objectives --out benchmarks/objectives/results.csv

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

KEYS = ["set", "method", "seed"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="CSV file")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--methods", nargs="*", default=list(methods()))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    measured = pd.read_csv(options.out) if options.out.exists() else pd.DataFrame(columns=KEYS)
    done = set(measured[KEYS].itertuples(index=False, name=None))
    todo = [
        (name, method, seed)
        for seed in range(options.seeds)
        for name in options.sets
        for method in options.methods
        if (name, method, seed) not in done
    ]
    runs = Parallel(n_jobs=options.jobs, return_as="generator")(delayed(measure)(*t) for t in todo)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for i, rows in enumerate(runs, 1):
        if rows:
            parts = [part for part in (measured, pd.DataFrame(rows)) if len(part)]
            measured = pd.concat(parts, ignore_index=True)
            measured.to_csv(options.out, index=False, float_format="%.4g")
        for row in rows:
            shown = {key: round(value, 3) for key, value in row.items() if isinstance(value, float)}
            print(f"{i}/{len(todo)}", *(row[key] for key in KEYS), shown, flush=True)
    print(report(measured))


if __name__ == "__main__":
    main()
