"""What `fit` spends on checking a million pairs, as a percentage of one epoch on them.

    OMP_NUM_THREADS=1 python -m benchmarks.validation [--rows 1000000] [--trained 100000]

Checks are those of the values: finite in float32, and rows that occur more than once. Conversion to
float32 and the input scaling are no checks, and are given apart. An epoch is timed on `--trained`
of the rows, and counted for all of them. All times are of the processor, which other programs
disturb little; checks and epochs take turns, and the shortest of `--rounds` counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from skorch.callbacks import Callback

from mibsk import IBAligner
from mibsk._checks.rows import as_dense, check_finite
from mibsk.data._duplicates import duplicate_rows
from mibsk.encoders import InputScaling

WIDTHS = {"a": 100, "b": 100}
BATCH_SIZES = (128, 1024)


class EpochTimes(Callback):
    """Processor seconds of each epoch."""

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Start with no epoch."""
        self.seconds: list[float] = []

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self.started = time.process_time()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Stop it."""
        self.seconds.append(time.process_time() - self.started)


def seconds(do: Callable[[], Any]) -> float:
    started = time.process_time()
    do()
    return time.process_time() - started


def seconds_of_checks(pairs: dict[str, np.ndarray]) -> dict[str, float]:
    """Time what `fit` does to both modalities before it trains."""
    found = dict.fromkeys(["convert", "finite", "duplicates", "scaling"], 0.0)
    for name, X in pairs.items():
        rows = X.astype(np.float32, copy=False)
        finite = seconds(lambda: check_finite(name, rows, original=X))  # noqa: B023
        found["finite"] += finite
        found["convert"] += max(seconds(lambda: as_dense(name, X)) - finite, 0.0)  # noqa: B023
        found["duplicates"] += seconds(lambda: duplicate_rows(rows))  # noqa: B023
        found["scaling"] += seconds(lambda: InputScaling.from_array(rows))  # noqa: B023
    return found


def seconds_per_epoch(pairs: dict[str, np.ndarray], batch_size: int) -> float:
    """Train for two epochs; the first one, which warms up, does not count."""
    times = EpochTimes()
    IBAligner(max_epochs=2, batch_size=batch_size, callbacks=[times], random_state=0).fit(pairs)
    return times.seconds[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--trained", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        pairs = {
            name: rng.standard_normal((options.rows, width)).astype(dtype)
            for name, width in WIDTHS.items()
        }
        some = {name: X[: options.trained] for name, X in pairs.items()}
        checks: dict[str, list[float]] = {}
        epochs: dict[int, list[float]] = {size: [] for size in BATCH_SIZES}
        for _ in range(options.rounds):
            for what, taken in seconds_of_checks(pairs).items():
                checks.setdefault(what, []).append(taken)
            for size in BATCH_SIZES:
                epochs[size].append(seconds_per_epoch(some, size) * options.rows / options.trained)
        best = {what: min(times) for what, times in checks.items()}
        spent = best["finite"] + best["duplicates"]
        widths = " and ".join(map(str, WIDTHS.values()))
        print(f"{options.rows} pairs of {widths} columns, {np.dtype(dtype)}:", flush=True)
        print("  " + ", ".join(f"{what} {1000 * t:.0f} ms" for what, t in best.items()))
        for size, times in epochs.items():
            print(
                f"  batch {size}: {min(times):.1f} s an epoch, of which checks are "
                f"{100 * spent / min(times):.2f} % (with scaling "
                f"{100 * (spent + best['scaling']) / min(times):.2f} %)",
                flush=True,
            )


if __name__ == "__main__":
    main()
