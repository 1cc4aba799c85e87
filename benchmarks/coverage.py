"""Coverage of the intervals of metrics: how often they contain the mean over samples.

    OMP_NUM_THREADS=1 python -m benchmarks.coverage [--rows 200] [--intervals 200] [--hidden 5]
        [--noise 0.7] [--only "mutual k-NN"]

Each sample is two noisy views of some hidden factors. The true value is the mean of a metric over
1,000 samples. For each metric, the table has the coverage of intervals at 95 % with its standard
error; the mean width of an interval relative to 3.92 standard deviations over samples; and, for
two metrics of neighbours, the coverage of intervals from a bootstrap of their values per row, which
treats rows as independent.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np

from mibsk import metrics

from .metrics_speed import common_subsequence, textbook_neighbours

K = 5
SAMPLES, RESAMPLES = 1000, 200
METRICS: dict[str, Callable[..., object]] = {
    "linear CKA": metrics.cka,
    "unbiased CKA": partial(metrics.cka, unbiased=True),
    "SVCCA": partial(metrics.svcca, n_components=3),
    "Procrustes": metrics.procrustes,
    "mutual k-NN": partial(metrics.mutual_knn, k=K),
    "LCS k-NN": partial(metrics.lcs_knn, k=K),
    "cycle k-NN": partial(metrics.cycle_knn, k=K),
    "CKNNA": partial(metrics.cknna, k=2 * K),
    "modality gap": metrics.modality_gap,
    "relative modality gap": metrics.relative_modality_gap,
    "alignment": metrics.alignment,
    "recall@1": metrics.recall_at_k,
    "mean reciprocal rank": metrics.mean_reciprocal_rank,
    "median rank": metrics.median_rank,
}
PER_ROW: dict[str, Callable[[list[int], list[int]], float]] = {
    "mutual k-NN": lambda near_x, near_y: len({*near_x} & {*near_y}) / K,
    "LCS k-NN": common_subsequence,
}


def draw(seed: int, n: int, d: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return two noisy views of hidden factors: rows of unit norm, those of the second shifted."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((n, d))
    views = (hidden + noise * rng.standard_normal((n, d)) for _ in range(2))
    X, Y = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in views)
    return X, Y + 0.1


def covers_by_rows(name: str, X: np.ndarray, Y: np.ndarray, truth: float) -> bool:
    """Whether a bootstrap of the values per row covers the true value."""
    near = zip(textbook_neighbours(X, K).tolist(), textbook_neighbours(Y, K).tolist(), strict=True)
    values = np.array([PER_ROW[name](*lists) for lists in near])
    rows = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[rows].mean(axis=1), [0.025, 0.975])
    return bool(low <= truth <= high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--intervals", type=int, default=200)
    parser.add_argument("--hidden", type=int, default=5)
    parser.add_argument("--noise", type=float, default=0.7)
    parser.add_argument("--only", choices=METRICS, action="append")
    options = parser.parse_args()
    kind = options.rows, options.hidden, options.noise
    ci = metrics.Bootstrap(n_resamples=RESAMPLES)
    print("{} rows of {} hidden factors, noise {}".format(*kind))
    for name in options.only or METRICS:
        metric = METRICS[name]
        samples = [metric(*draw(10_000 + seed, *kind)) for seed in range(SAMPLES)]
        truth, spread = np.mean(samples), np.std(samples)
        pairs = [draw(seed, *kind) for seed in range(options.intervals)]
        found = [metric(*pair, ci=ci) for pair in pairs]
        held = np.mean([low <= truth <= high for _, low, high in found])
        error = np.sqrt(held * (1 - held) / len(found))
        width = np.mean([high - low for _, low, high in found]) / (2 * 1.96 * spread)
        line = f"{name:22} {held:6.1%} ± {error:.1%}   width {width:.2f}"
        if name in PER_ROW:
            line += f"   by rows {np.mean([covers_by_rows(name, *p, truth) for p in pairs]):.1%}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
