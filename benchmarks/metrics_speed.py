"""Speed of metrics relative to their textbook implementations.

    OMP_NUM_THREADS=2 python -m benchmarks.metrics_speed [--rows 4000] [--columns 64] [--rounds 3]

The textbook implementations hold the matrix of all pairs of rows: CKA as trace(KHLH), neighbours
and ranks from a full sort of every row of scores, ties in the order of their index, as in ours. The
two alternate, with five calls of ours in each round, of which the median is taken. Their values are
compared, and the median ratio over the rounds is printed. The time of recall@k depends on the data,
since the search for a query ends once it has failed: it is timed on views of low, medium and high
noise.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mibsk.metrics import cka, cycle_knn, lcs_knn, mutual_knn, recall_at_k

K = 10


def textbook_hsic(K: np.ndarray, L: np.ndarray) -> float:
    H = np.eye(len(K)) - 1 / len(K)
    return float(np.trace(K @ H @ L @ H))


def textbook_unbiased_hsic(K: np.ndarray, L: np.ndarray) -> float:
    n, ones = len(K), np.ones(len(K))
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    total = (ones @ K @ ones) * (ones @ L @ ones) / ((n - 1) * (n - 2))
    return float(np.trace(K @ L) + total - 2 / (n - 2) * (ones @ K @ L @ ones))


def textbook_cka(hsic: Callable[..., float], X: np.ndarray, Y: np.ndarray) -> float:
    K, L = X @ X.T, Y @ Y.T
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def textbook_neighbours(X: np.ndarray, k: int = K) -> np.ndarray:
    scores = X @ X.T
    np.fill_diagonal(scores, -np.inf)
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


def textbook_mutual_knn(X: np.ndarray, Y: np.ndarray) -> float:
    masks = []
    for near in (textbook_neighbours(X), textbook_neighbours(Y)):
        mask = np.zeros((len(X), len(X)), dtype=bool)
        np.put_along_axis(mask, near, True, axis=1)
        masks.append(mask)
    return float((masks[0] & masks[1]).sum(axis=1).mean() / K)


def textbook_cycle_knn(X: np.ndarray, Y: np.ndarray) -> float:
    near_x, near_y = textbook_neighbours(X), textbook_neighbours(Y)
    return float(np.mean([i in near_x[near_y[i]] for i in range(len(X))]))


def common_subsequence(a: list[int], b: list[int]) -> int:
    """Return the length of the longest common subsequence."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a)):
        for j in range(len(b)):
            table[i + 1][j + 1] = (
                table[i][j] + 1 if a[i] == b[j] else max(table[i][j + 1], table[i + 1][j])
            )
    return table[-1][-1]


def textbook_lcs_knn(X: np.ndarray, Y: np.ndarray) -> float:
    pairs = zip(textbook_neighbours(X).tolist(), textbook_neighbours(Y).tolist(), strict=True)
    return float(np.mean([common_subsequence(a, b) for a, b in pairs]))


def textbook_recall(k: int, X: np.ndarray, Y: np.ndarray) -> float:
    order = np.argsort(-(X @ Y.T), axis=1, kind="stable")
    return float((order[:, :k] == np.arange(len(X))[:, None]).any(axis=1).mean())


class Case(NamedTuple):
    """A metric, its textbook implementation, and the noise of the views on which it is timed."""

    name: str
    ours: Callable[..., float]
    textbook: Callable[..., float]
    noise: float = 1.0


CASES = [
    Case("linear CKA", cka, partial(textbook_cka, textbook_hsic)),
    Case(
        "unbiased CKA", partial(cka, unbiased=True), partial(textbook_cka, textbook_unbiased_hsic)
    ),
    Case(f"mutual k-NN, k={K}", partial(mutual_knn, k=K), textbook_mutual_knn),
    Case(f"cycle k-NN, k={K}", partial(cycle_knn, k=K), textbook_cycle_knn),
    Case(f"LCS k-NN, k={K}", partial(lcs_knn, k=K), textbook_lcs_knn),
    *(
        Case(f"recall@{k}", partial(recall_at_k, k=k), partial(textbook_recall, k), noise)
        for k in (1, 10)
        for noise in (0.3, 1.0, 3.0)
    ),
]


def draw(n: int, d: int, noise: float) -> list[np.ndarray]:
    """Return two noisy views of hidden factors, with rows of unit norm."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((n, d))
    views = (hidden + noise * rng.standard_normal((n, d)) for _ in range(2))
    return [Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in views]


def timed(do: Callable[..., Any], *args: Any, calls: int = 1) -> tuple[float, float]:
    """Return the value, and the median time of the calls in seconds."""
    seconds = []
    for _ in range(calls):
        started = time.perf_counter()
        value = do(*args)
        seconds.append(time.perf_counter() - started)
    return value, float(np.median(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--columns", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.rows} x {options.columns}, float64, medians of {options.rounds} rounds")
    print(f"{'':24}{'value':>8}{'textbook':>12}{'ours':>10}{'ratio':>8}")
    for case in CASES:
        X, Y = draw(options.rows, options.columns, case.noise)
        case.ours(X, Y)  # imports and warm-up
        rounds = []
        for _ in range(options.rounds):
            expected, slow = timed(case.textbook, X, Y)
            value, fast = timed(case.ours, X, Y, calls=5)
            assert abs(value - expected) < 1e-9, f"{case.name}: {value} != {expected}"
            rounds.append((slow, fast, slow / fast))
        slow, fast, ratio = np.median(rounds, axis=0)
        name = f"{case.name}, {value:.0%} found" if case.name.startswith("recall") else case.name
        print(f"{name:24}{value:8.3f}{slow:10.3f} s{1000 * fast:7.1f} ms{ratio:7.0f}x", flush=True)


if __name__ == "__main__":
    main()
