"""Coverage of the intervals of CanonicalBottleneck, and directions that it keeps by chance.

    OMP_NUM_THREADS=1 python -m benchmarks.canonical_coverage [--samples 400]

Jointly Gaussian modalities with known correlations. The first table has the share of samples whose
interval of `information_` contains the exact information. The second has, for three shared
directions and for none, how often a direction is kept too many with ``beta="auto"``, and how often
the permutation test finds one too many: at most about 2.5 % and 5 % are expected.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd

from mibsk import CanonicalBottleneck
from mibsk.exceptions import NothingSharedWarning

PROFILES = {
    "none": lambda k: np.zeros(k),
    "weak (0.2)": lambda k: np.full(k, 0.2),
    "falling (0.9 to 0)": lambda k: np.linspace(0.9, 0, k),
    "strong (0.95)": lambda k: np.full(k, 0.95),
}
WIDTHS, N_ROWS = ((3, 2), (10, 8), (30, 20)), (200, 1000, 5000)


def gaussian(
    rng: np.random.Generator, n: int, widths: tuple[int, int], rho: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return two modalities with these canonical correlations."""
    X, Y = rng.standard_normal((n, widths[0])), rng.standard_normal((n, widths[1]))
    k = len(rho)
    Y[:, :k] = rho * X[:, :k] + np.sqrt(1 - rho**2) * Y[:, :k]
    return X, Y


def information_coverage(samples: int) -> pd.DataFrame:
    """Return the coverage of the intervals of the information."""
    rows = []
    for widths in WIDTHS:
        for name, profile in PROFILES.items():
            rho = profile(min(widths))
            exact = 0.5 * -np.log1p(-(rho**2)).sum()
            for n in N_ROWS:
                found = [
                    CanonicalBottleneck(4, ridge=0.0)
                    .fit(*gaussian(np.random.default_rng((seed, n)), n, widths, rho))
                    .information_
                    for seed in range(samples)
                ]
                rows.append(
                    {
                        "columns": widths,
                        "correlations": name,
                        "rows": n,
                        "exact": exact,
                        "mean": np.mean([each.value for each in found]),
                        "covered": np.mean([each.low <= exact <= each.high for each in found]),
                    }
                )
    return pd.DataFrame(rows)


def false_directions(samples: int) -> pd.DataFrame:
    """Return how often directions are found that are not shared."""
    rows = []
    for n, widths in ((60, (5, 4)), (240, (5, 4)), (240, (20, 20)), (1000, (30, 30))):
        for shared in (0, 3):
            kept, tested = [], []
            for seed in range(samples):
                rng = np.random.default_rng((seed, n))
                X, Y = gaussian(rng, n, widths, np.full(shared, 0.9))
                model = CanonicalBottleneck().fit(X, Y)
                # the strongest direction is kept even if none is significant
                low = model.correlations_["low"].iloc[0]
                kept.append(model.n_components_ if low > 0 else 0)
                if seed < samples // 4:
                    test = model.permutation_test(X, Y, n_permutations=99, random_state=seed)
                    tested.append(test.n_components)
            rows.append(
                {
                    "rows": n,
                    "columns": widths,
                    "shared": shared,
                    "kept too many": np.mean(np.array(kept) > shared),
                    "kept too few": np.mean(np.array(kept) < shared),
                    "test: too many": np.mean(np.array(tested) > shared),
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=400)
    options = parser.parse_args()
    warnings.simplefilter("ignore", NothingSharedWarning)
    for table in (information_coverage(options.samples), false_directions(options.samples)):
        print(table.round(3).to_markdown(index=False), "\n", flush=True)


if __name__ == "__main__":
    main()
