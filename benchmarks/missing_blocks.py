"""Retrieval after training on rows that lack modalities, against training on the complete rows.

    python -m benchmarks.missing_blocks DATA --out benchmarks/results/missing_blocks.csv

Of the training rows, each modality is removed at random from a share of the rows (a row keeps at
least one). Two aligners are trained, on all rows with what they have, and on the rows that have all
modalities; both are scored on the same complete test rows, a quarter: by recall@1, and by the
leakage of the parts of each view that the other views cannot predict. The data are three views of
digits; of two modalities, rows that lack one have no partner, and there is nothing to gain. `DATA`
is the folder that has mfeat.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from mibsk import IBAligner, Modalities
from mibsk.datasets import fetch_mfeat
from mibsk.metrics import leakage

from ._intervals import interval
from .choosing_beta._sets import with_private_parts

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


def measure(bunch: Bunch, share: float, seed: int) -> dict[str, object]:
    """Train both aligners of one seed, and return their recall and leakage."""
    rng, X = np.random.default_rng(seed), bunch.data
    order = rng.permutation(len(X))
    held, rest = order[: len(X) // 4], order[len(X) // 4 :]
    test, train = X[held], X[rest]
    some = without_blocks(train, share, rng)
    rows = complete_rows(some)
    start = time.perf_counter()
    of_all = IBAligner(random_state=seed).fit(some)
    seconds = time.perf_counter() - start
    of_complete = IBAligner(random_state=seed).fit(train[rows])

    def leaked(aligner: IBAligner) -> float:
        """Return the leakage into complete rows: a probe of those of training reads the test."""
        Z, Z_test = aligner.embed(train), aligner.embed(test)
        values = []
        for name, table in bunch.labels.items():
            labels = table[bunch.nuisances]
            read = leakage(
                Z[name], labels.iloc[rest], Z_test=Z_test[name], labels_test=labels.iloc[held]
            )
            values += list(read.values())
        return float(np.mean(values))

    return {
        "share": share,
        "seed": seed,
        "rows": len(train),
        "complete rows": len(rows),
        "all rows": of_all.score(test),
        "complete": of_complete.score(test),
        "leakage, all rows": leaked(of_all),
        "leakage, complete": leaked(of_complete),
        "seconds": round(seconds, 2),
    }


def table(results: pd.DataFrame) -> str:
    """Return the means, and the paired difference with its 95% interval, as Markdown."""
    lines = [
        "| missing | complete rows | recall@1, these | recall@1, all rows | gain "
        "| leakage, these | leakage, all rows | difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for share, part in results.groupby("share"):
        cells = [f"{share:.0%}", f"{part['complete rows'].mean():.0f} of {part['rows'].mean():.0f}"]
        for start in ("", "leakage, "):
            less, more = part[f"{start}complete"], part[f"{start}all rows"]
            cells += [f"{less.mean():.3f}", f"{more.mean():.3f}", interval(more - less, sign="+")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    results = []
    bunch = with_private_parts(fetch_mfeat(arguments.data, views=VIEWS))
    for seed in SEEDS:
        for share in SHARES:
            results.append(measure(bunch, share, seed))
            pd.DataFrame(results).to_csv(arguments.out, index=False)
            print(results[-1], flush=True)
    print(table(pd.DataFrame(results)))


if __name__ == "__main__":
    main()
