"""Measure every method on every dataset, number of training rows and seed, and print the tables.

    python -m benchmarks.small_data DATA --out benchmarks/small_data/results.csv

DATA is a folder with the datasets. Rows that are already in the file are not measured again.
"""

from __future__ import annotations

import argparse
import os
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from mibsk.metrics import recall_at_k
from pipelines.images import save

from ._methods import METHODS, VARIANTS, fit
from ._picture import draw
from ._report import report
from ._sets import SETS, sizes, split

KEYS = ["set", "rows", "method", "seed"]


def measure(name: str, folder: Path, n_rows: int | None, method: str, seed: int) -> dict[str, Any]:
    """Return recall@1 of the test rows, averaged over the ordered pairs of modalities."""
    part = split(name, folder, seed, n_rows)
    found = fit(method, part.train, seed)
    embedded = found.embed(part.test)
    labels = None if part.test_labels is None else (part.test_labels, part.test_labels)
    recalls = [
        recall_at_k(embedded[query], embedded[gallery], k=1, labels=labels)
        for a, b in combinations(embedded, 2)
        for query, gallery in ((a, b), (b, a))
    ]
    return {
        "set": name,
        "rows": "all" if n_rows is None else str(n_rows),
        "method": method,
        "seed": seed,
        "n_train": len(next(iter(part.train.values()))),
        "n_test": len(next(iter(part.test.values()))),
        "recall": float(np.mean(recalls)),
        "seconds": found.seconds,
        "alpha": found.alpha,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the datasets")
    parser.add_argument("--out", type=Path, required=True, help="CSV file")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--rows", nargs="*", help="numbers of training rows, or all")
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--variants", action="store_true", help="measure the changed defaults")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--picture", type=Path, help="draw the measurements to this file")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    os.environ["MIBSK_DATA"] = str(options.folder)
    measured = pd.read_csv(options.out, dtype={"rows": str}) if options.out.exists() else None
    done = set() if measured is None else set(measured[KEYS].itertuples(index=False, name=None))
    methods = [*VARIANTS, "IBAligner()"] if options.variants else options.methods
    todo = [
        (name, options.folder, n_rows, method, seed)
        for seed in range(options.seeds)
        for name in options.sets
        for n_rows in sizes(name, options.folder)
        for method in methods
        if not (method == "CCA" and name == "mfeat six views")
        and (not options.rows or str(n_rows or "all") in options.rows)
        and (name, str(n_rows or "all"), method, seed) not in done
    ]
    runs = Parallel(n_jobs=options.jobs, return_as="generator")(delayed(measure)(*t) for t in todo)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for i, row in enumerate(runs, 1):
        measured = pd.concat([measured, pd.DataFrame([row])], ignore_index=True)
        measured.to_csv(options.out, index=False, float_format="%.4g")
        shown = {key: round(row[key], 3) for key in ("recall", "seconds", "alpha")}
        print(f"{i}/{len(todo)}", *(row[key] for key in KEYS), shown, flush=True)
    if measured is not None:
        print(report(measured))
        if options.picture is not None:
            save(draw(measured), options.picture)


if __name__ == "__main__":
    main()
