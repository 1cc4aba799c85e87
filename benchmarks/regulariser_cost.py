"""Time and peak memory of a training step with the regulariser, relative to InfoNCE alone.

    python -m benchmarks.regulariser_cost [--batch-sizes 128 512 2048 8192 32768] [--rounds 5]

A step is a forward and a backward pass for two modalities: of the loss alone, on embeddings of 64
dimensions, or of the loss on MLP encoders with 1,024 and 128 inputs. The cost of "variational"
includes log-variances and samples. The three losses alternate in every round. On a CPU, peak memory
is that of one step in a separate process, which is imprecise below a few megabytes. A step that
needs more than half of the free memory is skipped.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import normalize

from benchmarks.resident_memory import MB, status
from mibsk.encoders import MLP, Encoder
from mibsk.losses import Embedding, IBObjective, Temperature, infonce

LOSSES = ("infonce", "gaussian", "variational")
PARTS = ("loss", "mlp")
DIM, N_INPUTS = 64, (1024, 128)
SECONDS = 0.2  # duration of the steps in a round; at least one step is taken
LEAST = 10 * MB  # smallest peak that is compared
SQUARES = 6  # largest number of float32 (n, n) matrices that a step holds at its peak
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make_step(part: str, loss: str, n: int) -> Callable[[], None]:
    """Return a function that runs one step on a batch of `n` pairs."""
    torch.manual_seed(0)
    noisy = loss == "variational"
    temperature = Temperature().to(DEVICE)
    objective = IBObjective(minimality="gaussian" if loss == "infonce" else loss)
    objective.temperature = temperature

    def loss_of(a: Embedding, b: Embedding) -> torch.Tensor:
        if loss == "infonce":
            return infonce(a.mean, b.mean, temperature())
        return objective({"a": a, "b": b}).total

    if part == "mlp":
        n_outputs = DIM * (1 + noisy)
        encoders = [
            Encoder(MLP()((d,), n_outputs), DIM, probabilistic=noisy).to(DEVICE) for d in N_INPUTS
        ]
        inputs = [torch.randn(n, d, device=DEVICE) for d in N_INPUTS]
        trained = [weight for encoder in encoders for weight in encoder.parameters()]
    else:
        shape = 2 * (1 + noisy), n, DIM
        trained = [*torch.randn(shape, device=DEVICE).unbind()]
        for leaf in trained:
            leaf.requires_grad_()

    def embed() -> list[Embedding]:
        if part == "mlp":
            pairs = zip(encoders, inputs, strict=True)
            return [Embedding(*encoder.distribution(x)) for encoder, x in pairs]
        means = [normalize(leaf, dim=1) for leaf in trained[:2]]
        return [Embedding(*each) for each in zip(means, trained[2:] or (None, None), strict=True)]

    def step() -> None:
        for leaf in trained:
            leaf.grad = None
        loss_of(*embed()).backward()

    return step


def peak(part: str, loss: str, n: int) -> int:
    """Return the peak memory of one step in bytes, inputs and weights not included."""
    make_step(part, loss, 16)()  # memory that the first step allocates is kept
    step = make_step(part, loss, n)
    if DEVICE.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return torch.cuda.max_memory_allocated() - before
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = status("VmRSS")
    step()
    return status("VmHWM") - before


def peak_in_process(part: str, loss: str, n: int) -> int:
    """Return the peak memory as measured in a separate process."""
    command = [sys.executable, "-m", "benchmarks.regulariser_cost", "--peak", part, loss, str(n)]
    return int(subprocess.check_output(command, text=True))


def seconds(step: Callable[[], None]) -> float:
    """Return the time of one step, as the mean over a few."""
    started, n_steps = time.perf_counter(), 0
    while not n_steps or time.perf_counter() - started < SECONDS:
        step()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        n_steps += 1
    return (time.perf_counter() - started) / n_steps


def measure(part: str, n: int, n_rounds: int) -> dict[str, object]:
    """Return one row of the table."""
    steps = [make_step(part, loss, n) for loss in LOSSES]
    for step in steps:
        step()
    times = np.array([[seconds(step) for step in steps] for _ in range(n_rounds)])
    ratios = times[:, 1:] / times[:, :1]
    del steps, step
    peaks = np.array([peak_in_process(part, loss, n) for loss in LOSSES])
    row: dict[str, object] = {
        "part": part,
        "batch": n,
        "infonce, ms": round(1000 * statistics.median(times[:, 0]), 2),
        "infonce, MB": round(peaks[0] / MB, 1),
        "in (n, n)": round(peaks[0] / (4 * n**2), 1) if peaks[0] > LEAST else "",
    }
    for i, loss in enumerate(LOSSES[1:]):
        spread = f"{ratios[:, i].min():.2f} to {ratios[:, i].max():.2f}"
        row[f"{loss}: time"] = f"{np.median(ratios[:, i]):.2f} ({spread})"
        row[f"{loss}: memory"] = f"{peaks[1 + i] / peaks[0]:.2f}" if peaks[0] > LEAST else ""
    return row


def free_memory() -> int:
    """Return the free memory in bytes."""
    if DEVICE.type == "cuda":
        return torch.cuda.mem_get_info()[0]
    pages: int = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return pages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[128, 512, 2048, 8192, 32768])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak is not None:
        part, loss, n = options.peak
        print(peak(part, loss, int(n)))
        return
    rows = []
    for n in options.batch_sizes:
        needed, free = SQUARES * 4 * n**2, free_memory()
        if needed > free / 2:
            print(
                f"skipped batch {n}: it needs up to {SQUARES} matrices of {4 * n**2 / MB:.0f} MB, "
                f"{needed / MB:.0f} MB in total, but {free / MB:.0f} MB are free"
            )
            continue
        rows += [measure(part, n, options.rounds) for part in PARTS]
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "CPU"
    print(f"{name}, {torch.get_num_threads()} threads, ratios to InfoNCE alone:")
    print(f"median of {options.rounds} rounds (minimum to maximum)\n")
    print(pd.DataFrame(rows).to_markdown(index=False))


if __name__ == "__main__":
    main()
