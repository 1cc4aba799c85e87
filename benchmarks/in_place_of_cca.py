"""Held-out correlations and R² in scikit-learn's comparison of cross decomposition methods.

    python -m benchmarks.in_place_of_cca

Two hidden variables, each in two columns of both sides, with noise of the same variance; 250 rows
to fit, 250 held out. Means over five draws.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cross_decomposition import CCA
from sklearn.metrics import r2_score

from mibsk import CanonicalBottleneck, IBAligner

N_DRAWS, N_ROWS = 5, 250


def draw(seed: int) -> tuple[np.ndarray, ...]:
    """Return both sides of the rows to fit, and of the held-out rows, (N_ROWS, 4) each."""
    rng = np.random.RandomState(seed)
    hidden = np.repeat(rng.normal(size=(2, 2 * N_ROWS)), 2, axis=0).T
    X, Y = (hidden + rng.normal(size=hidden.shape) for _ in range(2))
    return X[:N_ROWS], Y[:N_ROWS], X[N_ROWS:], Y[N_ROWS:]


def correlation(pair: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the mean correlation of the first two columns of both sides."""
    return float(np.mean([np.corrcoef(pair[0][:, i], pair[1][:, i])[0, 1] for i in range(2)]))


def measure(seed: int) -> list[dict[str, Any]]:
    """Return the measures of all methods on one draw."""
    X, Y, X_test, Y_test = draw(seed)
    found = []
    for method, estimator in (
        ("CCA", CCA(2)),
        ("CanonicalBottleneck(2)", CanonicalBottleneck(2)),
        ("IBAligner()", IBAligner(random_state=0)),
    ):
        held_out = estimator.fit(X, Y).transform(X_test, Y_test)
        row = {"method": method, "correlation": correlation(held_out)}
        if hasattr(estimator, "predict"):
            predicted = estimator.predict(X_test)
            row["R2"] = r2_score(Y_test, predicted, multioutput="variance_weighted")
        found.append(row)
    on_top = CCA(2).fit(*estimator.transform(X, Y))
    found.append(
        {"method": "CCA of IBAligner()", "correlation": correlation(on_top.transform(*held_out))}
    )
    return found


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rows = pd.DataFrame([row for seed in range(N_DRAWS) for row in measure(seed)])
    print(rows.groupby("method", sort=False).mean().round(3).to_markdown())


if __name__ == "__main__":
    main()
