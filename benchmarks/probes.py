"""Probes of five factors: one batched solve against five converged scikit-learn fits.

    OMP_NUM_THREADS=1 python -m benchmarks.probes [--rows 8000] [--width 64] [--rounds 3]

The factors are those of the sprites (3, 6, 40, 32 and 32 classes), each of which leaves a trace in
an embedding of `--width` columns. Both get the same whitened rows and the same penalty; whitening
and held-out scores count for neither. scikit-learn converges at `--tol`, by default the loosest
power of ten at which it is within 1e-5 nats of its fits at 1e-9, from which all differences are
counted. What its usual settings cost in information is shown beside it: the default tolerance, and
`max_iter=100` on rows that were not whitened, against what these converge to. Times are of the
processor; solves take turns, and the shortest of `--rounds` counts.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from mibsk.metrics.probes._damped_whitening import damped_whitening
from mibsk.metrics.probes._multinomial import fit_multinomials

CLASSES = (3, 6, 40, 32, 32)
STRENGTHS = {"faint": 0.3, "clear": 1.0, "strong": 3.0}


def embedding(rows: int, width: int, strength: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return rows that hold a trace of every factor, and the factors."""
    rng = np.random.default_rng(0)
    factors = [rng.integers(classes, size=rows) for classes in CLASSES]
    Z = rng.standard_normal((rows, width))
    for codes, classes in zip(factors, CLASSES, strict=True):
        Z += strength * rng.standard_normal((classes, width))[codes]
    return Z @ rng.standard_normal((width, width)), factors


def cross_entropy(logits: np.ndarray, codes: np.ndarray) -> float:
    """Return the mean over rows, in nats."""
    return float(-log_softmax(logits, axis=1)[np.arange(len(codes)), codes].mean())


def batched(train: np.ndarray, test: np.ndarray, factors: list[np.ndarray]) -> list[np.ndarray]:
    """Return the held-out logits of each factor after one solve."""
    fit = fit_multinomials(train, [codes[: len(train)] for codes in factors], CLASSES, l2=1.0)
    logits = test @ fit.coef.T + fit.intercept
    return [logits[:, columns] for columns in fit.segments]


def one_by_one(
    train: np.ndarray, test: np.ndarray, factors: list[np.ndarray], **options: float
) -> list[np.ndarray]:
    """Return the held-out logits of each factor after a scikit-learn fit for each."""
    return [
        LogisticRegression(**options).fit(train, codes[: len(train)]).decision_function(test)
        for codes in factors
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tol", type=float, default=1e-6)
    options = parser.parse_args()
    n = options.rows * 3 // 4
    for name, strength in STRENGTHS.items():
        Z, factors = embedding(options.rows, options.width, strength)
        mean, components = damped_whitening(Z[:n])
        white = (Z - mean) @ components
        data, raw = (white[:n], white[n:], factors), (Z[:n], Z[n:], factors)

        def losses(found: list[np.ndarray], factors: list[np.ndarray] = factors) -> np.ndarray:
            return np.array([cross_entropy(z, c[n:]) for z, c in zip(found, factors, strict=True)])

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
                found[what] = losses(solve())
                taken[what].append(time.process_time() - started)
        least = losses(one_by_one(*data, max_iter=10_000, tol=1e-9))
        print(f"{name} traces, {n} rows of {options.width} columns, classes {CLASSES}:")
        for what, loss in found.items():
            off = np.abs(loss - least).max()
            print(f"  {what}: {min(taken[what]):.2f} s, within {off:.1e} nats")
        batch, single, _ = (min(times) for times in taken.values())
        apart = np.abs(np.subtract(*list(found.values())[:2])).max()
        print(f"  one batched solve is {single / batch:.1f}x as fast, {apart:.1e} nats apart")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            short = losses(one_by_one(*raw, max_iter=100))
        off = np.abs(short - losses(one_by_one(*raw, max_iter=10_000, tol=options.tol))).max()
        print(f"  rows that are not whitened, max_iter=100: within {off:.1e} nats", flush=True)


if __name__ == "__main__":
    main()
