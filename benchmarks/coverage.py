"""How often intervals hold what other samples of the same kind give on average.

    OMP_NUM_THREADS=1 python -m benchmarks.coverage [--rows 200] [--intervals 200] [--hidden 5]
        [--noise 0.7] [--only "mutual k-NN"]

Two views of some hidden factors, with noise, are drawn again and again. The truth is the mean of a
metric over 1,000 samples. For each metric stand: the share of intervals at 95 % that hold it, with
its own standard error; the width of an interval as a multiple of what the standard deviation over
samples calls for; and, for metrics of neighbours, the share held by intervals that are drawn from
the values of single rows as if these were independent.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np

from mibsk import metrics
from mibsk.metrics import Bootstrap
from mibsk.metrics.neighbours._lcs_knn import common_subsequence
from mibsk.metrics.neighbours._mutual_knn import shared_neighbours
from mibsk.metrics.neighbours._overlap import neighbours_of_pair
from mibsk.metrics.statistics._resampling import over_values

K = 5
SAMPLES = 1000
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
PER_ROW = {"mutual k-NN": shared_neighbours, "LCS k-NN": common_subsequence}


def draw(seed: int, n: int, d: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return two views of what is hidden, of unit norm, and one of them moved."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((n, d))
    views = (hidden + noise * rng.standard_normal((n, d)) for _ in range(2))
    X, Y = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in views)
    return X, Y + 0.1


def of_single_rows(name: str, X: np.ndarray, Y: np.ndarray, ci: Bootstrap) -> metrics.Estimate:
    _, _, near_x, near_y = neighbours_of_pair(X, Y, K)
    found = over_values(PER_ROW[name](near_x, near_y), ci)
    assert isinstance(found, metrics.Estimate)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--intervals", type=int, default=200)
    parser.add_argument("--hidden", type=int, default=5)
    parser.add_argument("--noise", type=float, default=0.7)
    parser.add_argument("--only", choices=METRICS, action="append")
    options = parser.parse_args()
    kind = options.rows, options.hidden, options.noise
    ci = Bootstrap(n_resamples=200)
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
            single = [of_single_rows(name, *pair, ci) for pair in pairs]
            line += f"   of single rows {np.mean([e.low <= truth <= e.high for e in single]):.1%}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
