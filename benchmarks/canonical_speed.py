"""Time of CanonicalBottleneck relative to scikit-learn's CCA and cca-zoo's MCCA, side by side.

    python -m benchmarks.canonical_speed

Each round runs all methods one after the other; ratios are medians over rounds. The accuracy is
the sum of the correlations on the training rows, which the exact solution maximises.
"""

from __future__ import annotations

import time
import tracemalloc
import warnings
from collections.abc import Callable

import numpy as np
from cca_zoo.linear import MCCA
from sklearn.cross_decomposition import CCA

from mibsk import CanonicalBottleneck

ROUNDS = 5


def views(n: int, widths: tuple[int, ...], n_shared: int = 20) -> list[np.ndarray]:
    """Return Gaussian views of shared factors."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((n, n_shared))
    return [
        shared @ rng.standard_normal((n_shared, width)) + 4 * rng.standard_normal((n, width))
        for width in widths
    ]


def correlations(z: np.ndarray, w: np.ndarray) -> float:
    """Return the sum of the correlations of two sets of variates."""
    return float(sum(np.corrcoef(z[:, k], w[:, k])[0, 1] for k in range(z.shape[1])))


def timed(fit: Callable[[], tuple[np.ndarray, ...]]) -> tuple[float, float]:
    """Return seconds and summed correlations of the first two outputs of a fit."""
    start = time.perf_counter()
    z, w, *_ = fit()
    return time.perf_counter() - start, correlations(z, w)


def compare(methods: dict[str, Callable[[], tuple[np.ndarray, ...]]]) -> None:
    """Print time and accuracy of the methods, relative to the first one."""
    rounds = [{name: timed(fit) for name, fit in methods.items()} for _ in range(ROUNDS)]
    first = next(iter(methods))
    for name in methods:
        ratio = np.median([each[name][0] / each[first][0] for each in rounds])
        seconds = np.median([each[name][0] for each in rounds])
        print(f"  {name:45} {seconds:8.3f} s {ratio:8.2f}x   correlations {rounds[0][name][1]:.6f}")


def main() -> None:
    """Print all comparisons."""
    warnings.simplefilter("ignore")
    exact = {"ridge": 0.0, "beta": 0.0, "weights": None}
    X, Y = views(5000, (100, 50))
    print("5,000 rows, 100 and 50 columns, 16 components")
    compare(
        {
            "CanonicalBottleneck(ridge=0)": lambda: (
                CanonicalBottleneck(16, **exact).fit(X, Y).transform(X, Y)
            ),
            'CanonicalBottleneck(ridge="auto")': lambda: (
                CanonicalBottleneck(16, beta=0.0).fit(X, Y).transform(X, Y)
            ),
            "cca-zoo MCCA": lambda: tuple(MCCA(16).fit([X, Y]).transform([X, Y])),
            "scikit-learn CCA": lambda: CCA(16, max_iter=10_000).fit(X, Y).transform(X, Y),
        }
    )
    for n, widths in ((20_000, (200, 200)), (5000, (100, 100, 100, 100)), (300, (2000, 2000))):
        many = views(n, widths)
        print(f"{n:,} rows, {', '.join(map(str, widths))} columns, 16 components")
        named = dict(zip("abcd", many, strict=False))
        compare(
            {
                "CanonicalBottleneck(ridge=0)": lambda named=named: tuple(  # type: ignore[misc]
                    np.split(
                        CanonicalBottleneck(16, **exact).fit(named).transform(named),
                        len(named),
                        axis=1,
                    )
                ),
                "cca-zoo MCCA": lambda many=many: tuple(  # type: ignore[misc]
                    MCCA(16).fit(many).transform(many)
                ),
            }
        )
    rng = np.random.default_rng(0)
    large = {name: rng.standard_normal((1_000_000, 200), np.float32) for name in ("a", "b")}
    large["b"][:, :10] += large["a"][:, :10]
    tracemalloc.start()
    start = time.perf_counter()
    CanonicalBottleneck(16).fit(large)
    seconds, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    print(
        f"1,000,000 rows, 200 and 200 columns: {seconds:.1f} s, {peak / 1e6:.0f} MB over the input"
    )


if __name__ == "__main__":
    main()
