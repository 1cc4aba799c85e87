"""Speed of `fit_together` in two processes, relative to consecutive calls of `fit`.

    python -m benchmarks.together [mlp-small mlp resnet20 vit] [--runs 8 32] [--epochs 15]

The two alternate in every round. Worker processes are started before the first round, so that
their start (some seconds, once in a program) is not counted. Ratios above 1 favour `fit_together`.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch

from mibsk import IBAligner, fit_together
from mibsk.datasets import make_sprites
from mibsk.encoders import MLP, ResNet, ViT
from mibsk.exceptions import DuplicateRowsWarning

BATCH_SIZE, N_PROCESSES = 128, 2
SETTINGS = {  # encoder of the images, their side, number of pairs
    "mlp-small": (MLP(hidden=(128, 64)), 16, 2048),
    "mlp": (MLP(hidden=(512, 256)), 32, 2048),
    "resnet20": (ResNet(20), 16, 256),
    "vit": (ViT(dim=48, depth=4), 32, 256),
}


def aligners(encoder: Any, n_runs: int, n_epochs: int) -> list[IBAligner]:
    """Return aligners that differ in beta and seed."""
    return [
        IBAligner(
            encoders={"image": encoder, "factors": MLP(hidden=(64, 64))},
            beta=0.1 * i,
            batch_size=BATCH_SIZE,
            max_epochs=n_epochs,
            random_state=i,
        )
        for i in range(n_runs)
    ]


def seconds(fit: Callable[[], Any]) -> float:
    """Return the time until all work on the device is done."""
    started = time.perf_counter()
    fit()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def measure(name: str, n_runs: int, n_epochs: int, n_rounds: int) -> dict[str, Any]:
    """Return one row of the table."""
    encoder, side, n_pairs = SETTINGS[name]
    data = make_sprites(n_pairs, image_size=side, shared=("scale", "pos_x"), random_state=0).data

    def alone() -> None:
        for aligner in aligners(encoder, n_runs, n_epochs):
            aligner.fit(data)

    def processes() -> None:
        fit_together(aligners(encoder, n_runs, n_epochs), data, n_jobs=N_PROCESSES)

    fit_together(aligners(encoder, 2, 1), data, n_jobs=N_PROCESSES)  # warm-up
    rounds = np.array([[seconds(f) for f in (alone, processes)] for _ in range(n_rounds)])
    ratios = rounds[:, :1] / rounds[:, 1:]
    n_steps = n_runs * n_epochs * n_pairs / BATCH_SIZE
    return {
        "encoder": name,
        "runs": n_runs,
        "ms a step and run, alone": round(1000 * statistics.median(rounds[:, 0]) / n_steps, 1),
        f"{N_PROCESSES} processes": _spread(ratios),
    }


def _spread(ratios: np.ndarray) -> str:
    return f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encoders", nargs="*", default=list(SETTINGS), metavar="ENCODER")
    parser.add_argument("--runs", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore", DuplicateRowsWarning)  # rows of "factors" repeat
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"{device}, {torch.get_num_threads()} threads alone, one in each process;")
    print(f"speed relative to alone: median of {options.rounds} rounds (minimum to maximum)\n")
    rows = [
        measure(name, n, options.epochs, options.rounds)
        for name in options.encoders
        for n in options.runs
    ]
    print(pd.DataFrame(rows).to_markdown(index=False))


if __name__ == "__main__":
    main()
