"""Time and memory of metrics of a million rows, and of metrics of neighbours of 100,000 rows.

    OMP_NUM_THREADS=2 python -m benchmarks.metrics_memory [--columns 64]

The input is float32. Memory is the growth of the process while a metric is computed, the input not
included; a growth of more than 1 GB is reported.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np

from mibsk import metrics

from .resident_memory import MB, growth

LIMIT = 1000 * MB
MANY, FEWER = 1_000_000, 100_000
OF_MANY: dict[str, Callable[..., object]] = {
    "linear CKA": metrics.cka,
    "unbiased CKA": partial(metrics.cka, unbiased=True),
    "linear CKA with its interval": partial(metrics.cka, ci=metrics.Bootstrap(n_resamples=100)),
    "SVCCA": metrics.svcca,
    "Procrustes": metrics.procrustes,
    "modality gap": metrics.modality_gap,
    "alignment": metrics.alignment,
}
OF_FEWER: dict[str, Callable[..., object]] = {
    "mutual k-NN": metrics.mutual_knn,
    "cycle k-NN": metrics.cycle_knn,
    "LCS k-NN": metrics.lcs_knn,
    "CKNNA": metrics.cknna,
    "recall@1": metrics.recall_at_k,
    "mean reciprocal rank": metrics.mean_reciprocal_rank,
    "uniformity": lambda X, Y: metrics.uniformity(X),
}


def draw(n: int, d: int) -> list[np.ndarray]:
    """Return two noisy views of hidden factors, with rows of unit norm."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((n, d), dtype=np.float32)
    views = []
    for _ in range(2):
        view = rng.standard_normal((n, d), dtype=np.float32)
        view += hidden
        view /= np.linalg.norm(view, axis=1, keepdims=True)
        views.append(view)
    return views


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, default=64)
    options = parser.parse_args()
    for n, measured in ((MANY, OF_MANY), (FEWER, OF_FEWER)):
        X, Y = draw(n, options.columns)
        print(f"{n} x {options.columns}, input {2 * X.nbytes / MB:.0f} MB", flush=True)
        for metric in measured.values():
            metric(X[:1000], Y[:1000])  # imports and warm-up
        for name, metric in measured.items():
            with growth(f"  {name}", LIMIT):
                metric(X, Y)


if __name__ == "__main__":
    main()
