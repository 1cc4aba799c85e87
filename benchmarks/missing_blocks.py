"""Retrieval after training on rows that lack modalities, against training on the complete rows.

    python -m benchmarks.missing_blocks DATA --out benchmarks/results/missing_blocks.csv

Of the training rows, each modality is removed at random from a share of the rows (a row keeps at
least one). Two aligners are trained, on all rows with what they have, and on the rows that have all
modalities; both are scored by recall@1 on the same complete test rows, a quarter. The data are
three views of digits; of two modalities, rows that lack one have no partner, and there is nothing
to gain. `DATA` is the folder that has mfeat.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from mibsk import IBAligner, Modalities
from mibsk.datasets import fetch_mfeat

SHARES = (0.1, 0.3, 0.5)
SEEDS = range(5)
VIEWS = ("fou", "kar", "pix")


def without_blocks(X: Modalities, share: float, rng: np.random.Generator) -> Modalities:
    """Return rows of which each modality is missing in a share; a row keeps at least one."""
    n, names = len(X), list(X)
    missing = rng.random((n, len(names))) < share
    bare = np.flatnonzero(missing.all(axis=1))
    missing[bare, rng.integers(len(names), size=len(bare))] = False
    holes = {}
    for name, lacks in zip(names, missing.T, strict=True):
        mask = np.broadcast_to(lacks.reshape(n, *[1] * (X[name].ndim - 1)), X[name].shape)
        holes[name] = np.ma.MaskedArray(X[name], mask)
    return Modalities(holes)


def complete_rows(X: Modalities) -> np.ndarray:
    """Return the numbers of the rows that have all modalities."""
    missing = [np.ma.getmaskarray(rows).reshape(len(rows), -1).all(axis=1) for rows in X.values()]
    return np.flatnonzero(~np.any(missing, axis=0))


def measure(X: Modalities, share: float, seed: int) -> dict[str, object]:
    """Train both aligners of one seed, and return their recall."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X))
    test, train = X[order[: len(X) // 4]], X[order[len(X) // 4 :]]
    some = without_blocks(train, share, rng)
    rows = complete_rows(some)
    start = time.perf_counter()
    all_rows = IBAligner(random_state=seed).fit(some).score(test)
    seconds = time.perf_counter() - start
    complete = IBAligner(random_state=seed).fit(train[rows]).score(test)
    return {
        "share": share,
        "seed": seed,
        "rows": len(train),
        "complete rows": len(rows),
        "all rows": all_rows,
        "complete": complete,
        "seconds": round(seconds, 2),
    }


def table(results: pd.DataFrame) -> str:
    """Return the means, and the paired difference with its 95% interval, as Markdown."""
    lines = [
        "| missing | complete rows | trained on these | trained on all rows | gain |",
        "|---|---|---|---|---|",
    ]
    for share, part in results.groupby("share"):
        gain = part["all rows"] - part["complete"]
        half = stats.t.ppf(0.975, len(part) - 1) * gain.std(ddof=1) / np.sqrt(len(part))
        lines.append(
            f"| {share:.0%} "
            f"| {part['complete rows'].mean():.0f} of {part['rows'].mean():.0f} "
            f"| {part['complete'].mean():.3f} | {part['all rows'].mean():.3f} "
            f"| {gain.mean():+.3f} ± {half:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    results = []
    X = fetch_mfeat(arguments.data, views=VIEWS).data
    for seed in SEEDS:
        for share in SHARES:
            results.append(measure(X, share, seed))
            pd.DataFrame(results).to_csv(arguments.out, index=False)
            print(results[-1], flush=True)
    print(table(pd.DataFrame(results)))


if __name__ == "__main__":
    main()
