"""Print the seconds of an epoch of ResNet20, in one process or in those of torchrun together."""

import os
import statistics

import numpy as np
from torch import distributed

from mibsk import IBAligner


def main() -> None:
    first = True
    if "RANK" in os.environ:
        distributed.init_process_group("gloo")
        first = distributed.get_rank() == 0
    rng = np.random.default_rng(0)
    X = {name: rng.random((256, 3, 32, 32), np.float32) for name in ("a", "b")}
    aligner = IBAligner(
        encoders="resnet20", max_epochs=4, batch_size=128, bottleneck=None, random_state=0
    ).fit(X)
    if first:
        print(statistics.median(epoch["dur"] for epoch in aligner.history_[1:]))
    if "RANK" in os.environ:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
