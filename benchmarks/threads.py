"""Time of an epoch of the small default encoders with two threads, relative to one thread.

    python -m benchmarks.threads

The settings alternate, each in a new process, since OpenMP reads its settings only once.
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
    """Return the median time of the epochs after the first one, which is a warm-up."""
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
        print(f"one thread {one:.3f} s, two threads {two:.3f} s per epoch: ratio {two / one:.2f}")
    print(f"two threads take {statistics.median(ratios):.2f} times as long ({ratios})")


if __name__ == "__main__":
    main()
