"""Retrieval after training on rows that lack modalities, against training on the complete rows.

    python -m benchmarks.missing_blocks DATA --out benchmarks/results/missing_blocks.csv

Of the training rows, each modality is removed at random from a share of the rows (a row keeps at least one). Two
aligners are trained, on all rows with what they have, and on the rows that have all modalities; both are scored by
recall@1 on the same complete test rows, a quarter. `DATA` is the folder that has mfeat.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from mibsk import IBAligner, Modalities
from mibsk.datasets import fetch_mfeat, load_digits_halves

SHARES = (0.1, 0.3, 0.5)
SEEDS = range(5)
VIEWS = ("fou", "kar", "pix")


def datasets(folder: Path) -> Iterator[tuple[str, Modalities]]:
    """Yield the name and the pairs of each dataset."""
    yield "digits, two halves", load_digits_halves().data
    yield "mfeat, three views", fetch_mfeat(folder, views=VIEWS).data


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


def measure(name: str, X: Modalities, share: float, seed: int) -> dict[str, object]:
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
        "dataset": name,
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
        "| dataset | missing | complete rows | trained on these | trained on all rows | gain |",
        "|---|---|---|---|---|---|",
    ]
    for (name, share), part in results.groupby(["dataset", "share"], sort=False):
        gain = part["all rows"] - part["complete"]
        half = stats.t.ppf(0.975, len(part) - 1) * gain.std(ddof=1) / np.sqrt(len(part))
        lines.append(
            f"| {name} | {share:.0%} "
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
    for name, X in datasets(arguments.data):
        for seed in SEEDS:
            for share in SHARES:
                results.append(measure(name, X, share, seed))
                pd.DataFrame(results).to_csv(arguments.out, index=False)
                print(results[-1], flush=True)
    print(table(pd.DataFrame(results)))


if __name__ == "__main__":
    main()
