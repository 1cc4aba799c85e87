"""One thread or two for the small encoders of the default settings: seconds an epoch, as a ratio.

    python -m benchmarks.threads

Both settings take turns in processes of their own, since OpenMP reads its settings once.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from mibsk import IBAligner
from mibsk.datasets import make_sprites

ROUNDS = 3


def seconds_per_epoch() -> float:
    """Train for a few epochs; the first one, which warms up, does not count."""
    data = make_sprites(4500, image_size=32, shared=("scale", "pos_x"), random_state=0).data
    aligner = IBAligner(encoders="mlp", max_epochs=9, random_state=0).fit(data)
    return statistics.median(epoch["dur"] for epoch in aligner.history_[1:])


def in_process(n_threads: int) -> float:
    environment = os.environ | {"OMP_NUM_THREADS": str(n_threads)}
    command = [sys.executable, "-m", "benchmarks.threads", "--measure"]
    return float(subprocess.check_output(command, env=environment, text=True))


def main() -> None:
    if sys.argv[1:] == ["--measure"]:
        print(seconds_per_epoch())
        return
    pairs = [(in_process(1), in_process(2)) for _ in range(ROUNDS)]
    ratios = sorted(two / one for one, two in pairs)
    for one, two in pairs:
        print(f"one thread {one:.3f} s, two threads {two:.3f} s an epoch: ratio {two / one:.2f}")
    print(f"two threads take {statistics.median(ratios):.2f} times as long ({ratios})")


if __name__ == "__main__":
    main()
