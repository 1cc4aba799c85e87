"""Reports and probes, beside each metric, each resample and each penalty on its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegressionCV, RidgeCV

from mibsk import metrics
from mibsk.metrics import Bootstrap, probe_information
from mibsk.metrics.catalogue import CATALOGUE
from mibsk.metrics.statistics import over_rows
from mibsk.metrics.together import estimates, permutation_tests

from ._ratio import Ratio, in_turns

Array = NDArray[np.float64]
PENALTIES = (1e4, 1e3, 1e2, 10.0, 1.0, 0.1)


def ratios() -> Iterator[Ratio]:
    """Yield the ratio of each part of a report."""
    rng = np.random.default_rng(0)
    hidden, noise_x, noise_y = rng.standard_normal((3, 3000, 256))
    X, Y = hidden + noise_x, hidden + noise_y
    ci = Bootstrap(n_resamples=20, max_rows=2048)
    of_moments = {
        entry.name: (entry.metric, entry.arguments) for entry in CATALOGUE if entry.squares_columns
    }
    similarities = {name: of_moments[name] for name in of_moments if "information" not in name}
    yield in_turns(
        "intervals of 7 metrics of second moments, 20 resamples of 3,000 x 256",
        "one metric after the other",
        lambda: estimates(of_moments, X, Y, dict.fromkeys(of_moments, ci)),
        lambda: [metric(X, Y, ci=ci, **how) for metric, how in of_moments.values()],
        rounds=3,
    )
    yield in_turns(
        "chance levels of 6 metrics of second moments, 20 permutations of 2,000 x 256",
        "one metric after the other",
        lambda: permutation_tests(
            similarities, X[:2000], Y[:2000], n_permutations=20, random_state=0
        ),
        lambda: [
            metrics.permutation_test(metric, X[:2000], Y[:2000], n_permutations=20, **how)
            for metric, how in similarities.values()
        ],
        rounds=3,
    )
    ci = Bootstrap(n_resamples=200, max_rows=1024)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    yield in_turns(
        "interval of uniformity, 200 resamples of 3,000 x 256",
        "each resample anew",
        lambda: metrics.uniformity(unit, ci=ci),
        lambda: over_rows(metrics.uniformity, unit, ci=ci),
        rounds=3,
    )
    ci = Bootstrap(n_resamples=400, max_rows=2048)
    yield in_turns(
        "interval of the relative modality gap, 400 resamples of 3,000 x 256",
        "each resample anew",
        lambda: metrics.relative_modality_gap(X, Y, ci=ci),
        lambda: over_rows(metrics.relative_modality_gap, X, Y, ci=ci),
        rounds=3,
    )
    Z, factors = factors_of(4000, 64)
    yield in_turns(
        "probes of 3 classes and 2 numbers with their penalties, 4,000 x 64",
        "scikit-learn's LogisticRegressionCV and RidgeCV, one factor after the other",
        lambda: probe_information(
            Z[:3000], factors[:3000], Z_test=Z[3000:], labels_test=factors[3000:]
        ),
        lambda: one_by_one(Z, factors, 3000),
        rounds=3,
    )


def factors_of(n: int, d: int) -> tuple[Array, pd.DataFrame]:
    """Return rows that depend on factors, and these."""
    rng = np.random.default_rng(0)
    Z, factors = rng.standard_normal((n, d)), pd.DataFrame(index=range(n))
    for classes in (3, 6, 20):
        codes = rng.integers(classes, size=n)
        factors[f"class of {classes}"] = codes
        Z += 0.7 * rng.standard_normal((classes, d))[codes]
    for i in range(2):
        factors[f"number {i}"] = Z @ rng.standard_normal(d) + 4 * rng.standard_normal(n)
    return Z, factors


def one_by_one(Z: Array, factors: pd.DataFrame, n: int) -> list[float]:
    """Return the score of each factor on held-out rows, with the penalty chosen on a fifth."""
    found = []
    fold = [(np.arange(n // 5, n), np.arange(n // 5))]
    for _, values in factors.items():
        if values.dtype.kind == "f":
            probe = RidgeCV(PENALTIES, cv=fold)
        else:
            strengths = [1 / penalty for penalty in PENALTIES]
            probe = LogisticRegressionCV(
                Cs=strengths, cv=fold, scoring="neg_log_loss", max_iter=1000
            )
        found.append(float(probe.fit(Z[:n], values[:n]).score(Z[n:], values[n:])))
    return found
