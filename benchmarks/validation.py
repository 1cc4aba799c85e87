"""Time that `fit` spends on input validation, as a percentage of the time of one epoch.

    OMP_NUM_THREADS=1 python -m benchmarks.validation [--rows 1000000] [--trained 100000]

The checks are those of values: whether they are finite in float32, and whether rows repeat.
Conversion to float32 and the input scaling are not checks, and are listed separately. An epoch is
timed on `--trained` rows, and scaled up to all of them. All times are processor times, which other
processes affect little; checks and epochs alternate, and the shortest of `--rounds` is printed.
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
from mibsk.data import duplicate_rows
from mibsk.encoders import InputScaling

WIDTHS = {"a": 100, "b": 100}
BATCH_SIZES = (128, 1024)


class EpochTimes(Callback):
    """Processor seconds of each epoch."""

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Reset the times."""
        self.seconds: list[float] = []

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self.started = time.process_time()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Stop the clock."""
        self.seconds.append(time.process_time() - self.started)


def seconds(do: Callable[[], Any]) -> float:
    started = time.process_time()
    do()
    return time.process_time() - started


def seconds_of_checks(pairs: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the time of each step of `fit` on both modalities before training."""
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
    """Return the time of the second epoch; the first one is a warm-up."""
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
                f"  batch {size}: {min(times):.1f} s per epoch, of which checks are "
                f"{100 * spent / min(times):.2f} % (with scaling "
                f"{100 * (spent + best['scaling']) / min(times):.2f} %)",
                flush=True,
            )


if __name__ == "__main__":
    main()
