"""CanonicalBottleneck of rows that lack modalities, and the information of sets of modalities.

    OMP_NUM_THREADS=1 python -m benchmarks.canonical_sharing [--samples 20]

1. Two Gaussian modalities of 2,000 rows share three directions. Few rows have both modalities, and
   half of the others each of them. The table has the information of the three variates of 4,000 new
   pairs, of models of the pairs alone and of all rows.
2. Three modalities of shared factors, of which all three, or two, observe each. The table has the
   share of samples in which exactly the sets that share a factor are found, and in which the 95 %
   interval of a set contains its information.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from mibsk import CanonicalBottleneck

COLUMNS, CORRELATIONS, PAIRS = (5, 20), (0.5, 0.9, 0.99), (30, 100, 400)
N_ROWS, N_NEW, N_SHARED = 2000, 4000, 3
FACTORS = (("abc", 0.8), ("abc", 0.5), ("ab", 0.7), ("ac", 0.7), ("bc", 0.7), ("ab", 0.4))
ROWS = (500, 1000, 3000, 10_000)


def two_modalities(rng: np.random.Generator, p: int, rho: float) -> list[np.ndarray]:
    """Return rows of both, and new ones, whose variances differ by a factor of 100."""
    n = N_ROWS + N_NEW
    factors, found = rng.standard_normal((n, N_SHARED)), []
    for _ in range(2):
        shared = np.sqrt(rho) * factors + np.sqrt(1 - rho) * rng.standard_normal((n, N_SHARED))
        mixing = np.linalg.qr(rng.standard_normal((p, p)))[0] * np.logspace(0, -1, p)
        found.append(np.hstack([shared, rng.standard_normal((n, p - N_SHARED))]) @ mixing)
    return found


def information_of(model: CanonicalBottleneck, X: np.ndarray, Y: np.ndarray) -> float:
    """Return the Gaussian information of the variates of new pairs, in nats."""
    u, v = model.transform(X, Y)
    R = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(u.shape[1])]
    return float(-0.5 * np.log1p(-(np.clip(R, 0, 1) ** 2)).sum())


def of_rows_without_a_partner(samples: int) -> pd.DataFrame:
    """Return what they add, by columns, correlation and number of pairs."""
    table = []
    for p in COLUMNS:
        for rho in CORRELATIONS:
            for n_pairs in PAIRS:
                found = []
                for seed in range(samples):
                    X, Y = two_modalities(np.random.default_rng(seed), p, rho)
                    new = X[N_ROWS:], Y[N_ROWS:]
                    numbers = np.arange(N_ROWS)
                    holed = [Z[:N_ROWS].copy() for Z in (X, Y)]
                    for side, Z in enumerate(holed):
                        Z[(numbers >= n_pairs) & (numbers % 2 != side)] = np.nan
                    model = CanonicalBottleneck(N_SHARED, beta=0.0)
                    alone = model.fit(X[:n_pairs], Y[:n_pairs])
                    found.append([information_of(alone, *new)])
                    found[-1].append(information_of(model.fit(*holed), *new))
                exact = -0.5 * N_SHARED * np.log(1 - rho**2)
                table.append([p, rho, n_pairs, exact, *np.mean(found, axis=0)])
    names = ["columns", "correlation", "pairs", "exact", "pairs alone", "all rows"]
    return pd.DataFrame(table, columns=names)


def three_modalities(
    rng: np.random.Generator, n: int
) -> tuple[dict[str, np.ndarray], dict[tuple[str, ...], float]]:
    """Return modalities, and the information of each set that shares factors."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in "abc"}
    exact: dict[tuple[str, ...], float] = {}
    for names, rho in FACTORS:
        factor = rng.standard_normal(n)
        for name in names:
            noise = rng.standard_normal(n)
            columns[name].append(np.sqrt(rho) * factor + np.sqrt(1 - rho) * noise)
        k = len(names)
        nats = -0.5 * np.log((1 - rho) ** (k - 1) * (1 + (k - 1) * rho))
        exact[tuple(names)] = exact.get(tuple(names), 0.0) + nats
    found = {}
    for name, each in columns.items():
        X = np.column_stack([*each, rng.standard_normal((n, 2))])
        found[name] = X @ rng.standard_normal((X.shape[1], X.shape[1]))
    return found, exact


def of_sets(samples: int) -> pd.DataFrame:
    """Return how often the sets are right, and how often the intervals contain the value."""
    table = []
    for n in ROWS:
        for missing in (0.0, 0.3):
            right, inside, ratio = [], [], []
            for seed in range(samples):
                rng = np.random.default_rng(seed)
                X, exact = three_modalities(rng, n)
                for rows in X.values():
                    rows[rng.random(n) < missing] = np.nan
                if missing:  # no row without any modality
                    kept = ~np.isnan([rows[:, 0] for rows in X.values()]).all(axis=0)
                    X = {name: rows[kept] for name, rows in X.items()}
                found = CanonicalBottleneck().fit(X).information_by_subset_
                right.append(found.keys() == exact.keys())
                for names, nats in found.items():
                    if names in exact:
                        inside.append(nats.low <= exact[names] <= nats.high)
                        ratio.append(nats.value / exact[names])
            table.append([n, missing, np.mean(right), np.mean(inside), np.mean(ratio)])
    names = ["rows", "missing", "sets right", "inside", "value / exact"]
    return pd.DataFrame(table, columns=names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20)
    options = parser.parse_args()
    print(of_rows_without_a_partner(options.samples).round(2).to_string(index=False))
    print(of_sets(options.samples).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
