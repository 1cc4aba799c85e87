"""Probes of five factors: `probe_information` against five converged scikit-learn fits.

    OMP_NUM_THREADS=1 python -m benchmarks.probes [--rows 8000] [--width 64] [--rounds 3]

The factors have the sizes of those of the sprites (3, 6, 40, 32 and 32 classes), and each is added
with noise to an embedding of `--width` columns. Both methods whiten the rows in the same way, use
the same penalty and score held-out rows. scikit-learn converges at `--tol`, by default the loosest
power of ten at which its losses are within 1e-5 nats of those at 1e-9, which are the reference of
all differences. The errors of usual settings are shown as well: the default tolerance, and
`max_iter=100` on rows that are not whitened. Times are processor times; the methods alternate, and
the shortest of `--rounds` is printed.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from mibsk.metrics import probe_information

CLASSES = (3, 6, 40, 32, 32)
RIDGE = 1e-6  # of the whitening in `probe_information`, relative to the largest variance
STRENGTHS = {"faint": 0.3, "clear": 1.0, "strong": 3.0}


def embedding(rows: int, width: int, strength: float) -> tuple[np.ndarray, pd.DataFrame]:
    """Return rows that depend on every factor, and the factors."""
    rng = np.random.default_rng(0)
    factors = [rng.integers(classes, size=rows) for classes in CLASSES]
    Z = rng.standard_normal((rows, width))
    for codes, classes in zip(factors, CLASSES, strict=True):
        Z += strength * rng.standard_normal((classes, width))[codes]
    return Z @ rng.standard_normal((width, width)), pd.DataFrame(dict(enumerate(factors)))


def batched(Z: np.ndarray, factors: pd.DataFrame, n: int) -> np.ndarray:
    """Return the held-out cross-entropy of each factor, in nats, after one solve for all."""
    table = probe_information(
        Z[:n], factors[:n], Z_test=Z[n:], labels_test=factors[n:], l2=1.0, task="classification"
    )
    return table["cross_entropy"].to_numpy()


def one_by_one(
    Z: np.ndarray, factors: pd.DataFrame, n: int, *, whiten: bool = True, **options: float
) -> np.ndarray:
    """Return the held-out cross-entropy of each factor, in nats, after one fit for each."""
    if whiten:
        centred = Z - Z[:n].mean(axis=0)
        variances, axes = np.linalg.eigh(centred[:n].T @ centred[:n] / n)
        Z = centred @ (axes / np.sqrt(variances + RIDGE * variances.max()))
    losses = []
    for _, codes in factors.items():
        fit = LogisticRegression(**options).fit(Z[:n], codes[:n])
        log_p = log_softmax(fit.decision_function(Z[n:]), axis=1)
        losses.append(-log_p[np.arange(len(Z) - n), codes[n:]].mean())
    return np.array(losses)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tol", type=float, default=1e-6)
    options = parser.parse_args()
    n = options.rows * 3 // 4
    for name, strength in STRENGTHS.items():
        data = *embedding(options.rows, options.width, strength), n
        solves = {
            "one batched solve": lambda data=data: batched(*data),
            f"five fits at {options.tol:g}": lambda data=data: one_by_one(
                *data, max_iter=10_000, tol=options.tol
            ),
            "five fits at the default 1e-4": lambda data=data: one_by_one(*data),
        }
        taken: dict[str, list[float]] = {what: [] for what in solves}
        found = {}
        for _ in range(options.rounds):
            for what, solve in solves.items():
                started = time.process_time()
                found[what] = solve()
                taken[what].append(time.process_time() - started)
        reference = one_by_one(*data, max_iter=10_000, tol=1e-9)
        print(f"{name} factors, {n} rows of {options.width} columns, classes {CLASSES}:")
        for what, loss in found.items():
            off = np.abs(loss - reference).max()
            print(f"  {what}: {min(taken[what]):.2f} s, within {off:.1e} nats")
        batch, single, _ = (min(times) for times in taken.values())
        apart = np.abs(np.subtract(*list(found.values())[:2])).max()
        print(f"  one batched solve is {single / batch:.1f}x as fast, {apart:.1e} nats apart")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            short = one_by_one(*data, whiten=False, max_iter=100)
        converged = one_by_one(*data, whiten=False, max_iter=10_000, tol=options.tol)
        off = np.abs(short - converged).max()
        print(f"  rows that are not whitened, max_iter=100: within {off:.1e} nats", flush=True)


if __name__ == "__main__":
    main()
