"""Directions that CanonicalBottleneck keeps if rows of one group are not independent.

    OMP_NUM_THREADS=1 python -m benchmarks.canonical_groups [--samples 200]

Two Gaussian modalities share some directions, and each has further columns whose values in rows of
one group are correlated, but do not depend on the other modality. The table has the share of
samples in which more or fewer than the shared directions are kept with ``beta="auto"``, with and
without `groups`; with them about 2.5 % too many are expected.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd

from mibsk import CanonicalBottleneck
from mibsk.exceptions import NothingSharedWarning

# groups, rows of each, correlation within groups, shared directions
CASES = (
    (40, 10, 0.0, 0),
    (40, 10, 0.5, 0),
    (40, 10, 0.9, 0),
    (40, 10, 0.9, 3),
    (100, 4, 0.9, 2),
    (10, 40, 0.9, 0),
    (10, 40, 0.9, 3),
)
N_OWN = 6  # columns of each modality that depend on the group


def modality(rng: np.random.Generator, hidden: np.ndarray, groups: np.ndarray, within: float):
    """Return noisy views of the shared columns, and columns that are correlated within groups."""
    of_group = rng.standard_normal((groups.max() + 1, N_OWN))[groups]
    of_row = rng.standard_normal((len(groups), N_OWN))
    noise = rng.standard_normal(hidden.shape)
    own = np.sqrt(within) * of_group + np.sqrt(1 - within) * of_row
    return np.hstack([hidden + 0.3 * noise, own])


def kept_directions(samples: int) -> pd.DataFrame:
    """Return how often too many or too few directions are kept."""
    rows = []
    for n_groups, size, within, shared in CASES:
        groups = np.repeat(np.arange(n_groups), size)
        found = []
        for seed in range(samples):
            rng = np.random.default_rng(seed)
            hidden = rng.standard_normal((len(groups), shared))
            X, Y = (modality(rng, hidden, groups, within) for _ in range(2))
            tables = [
                CanonicalBottleneck().fit(X, Y, groups=given).correlations_
                for given in (None, groups)
            ]
            # the strongest is kept even if it is not significant
            found.append([(table["kept"] & (table["low"] > 0)).sum() for table in tables])
        by_rows, by_groups = np.transpose(found)
        rows.append(
            {
                "groups": n_groups,
                "rows of each": size,
                "within": within,
                "shared": shared,
                "too many": (by_rows > shared).mean(),
                "too many, groups": (by_groups > shared).mean(),
                "too few, groups": (by_groups < shared).mean(),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=200)
    samples = parser.parse_args().samples
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingSharedWarning)
        print(kept_directions(samples).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
