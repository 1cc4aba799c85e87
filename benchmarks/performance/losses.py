"""Losses of all pairs of rows in tiles, beside the whole matrix: time and memory."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from skorch.callbacks import Callback
from torch.nn.functional import normalize

from benchmarks import objectives_cost
from benchmarks.resident_memory import MB, status
from mibsk import IBAligner
from mibsk.losses import (
    Embedding,
    gaussian_minimality,
    infonce,
    logits,
    partner_cross_entropy,
    siglip,
)

from ._ratio import Ratio, in_turns, of_rounds

DIM = 128
SIZES = (1024, 2048, 4096, 8192)
LARGE = 8192  # rows with which the memory of each term is measured
WHOLE = "the whole matrix"

Loss = Callable[..., torch.Tensor]


def whole_infonce(
    z: torch.Tensor, w: torch.Tensor, temperature: torch.Tensor | float
) -> torch.Tensor:
    """InfoNCE in both directions, with the matrix of scores and the derivatives by torch."""
    scores = logits(z, w, temperature)
    return (partner_cross_entropy(scores) + partner_cross_entropy(scores.T)) / 2


def whole_siglip(
    z: torch.Tensor, w: torch.Tensor, temperature: torch.Tensor | float
) -> torch.Tensor:
    """SigLIP with the matrix of scores and the derivatives by torch."""
    scores = logits(z, w, temperature) - 10
    return (F.softplus(scores).sum(1) - scores.diagonal()).mean()


def make_step(loss: Loss, n: int, minimality: bool = True) -> Callable[[], None]:
    """Return a function that runs a loss of `n` pairs, and the Gaussian term, both ways."""
    torch.manual_seed(0)
    z, w = (normalize(torch.randn(n, DIM), dim=1).requires_grad_() for _ in range(2))
    log_temperature = torch.tensor(0.07).log().requires_grad_()

    def step() -> None:
        z.grad = w.grad = None
        value = loss(z, w, log_temperature.exp())
        if minimality:
            value = value + 0.1 * gaussian_minimality(Embedding(z), Embedding(w))
        value.backward()

    return step


def peak(loss: Loss, n: int) -> float:
    """Return the megabytes that a step adds, in a process of its own."""
    earlier = {name: os.environ.get(name) for name in objectives_cost.RETURNED}
    os.environ.update(objectives_cost.RETURNED)
    try:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(_peak, (loss, n))
    finally:
        for name, value in earlier.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _peak(loss: Loss, n: int) -> float:
    torch.set_num_threads(1)
    make_step(loss, 16)()  # memory that a first step allocates is kept
    step = make_step(loss, n)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = status("VmRSS")
    step()
    return (status("VmHWM") - before) / MB


def seconds_of_epoch(loss: str | Loss, batch_size: int) -> float:
    """Return the seconds of the last of two epochs of networks on 8,192 pairs."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(8192, 16)).astype(np.float32)
    noise = rng.normal(size=(2, 8192, 64)).astype(np.float32)
    X = {name: np.tile(shared, 4) + part for name, part in zip("ab", noise, strict=True)}
    ended: list[float] = []

    class Clock(Callback):  # type: ignore[misc]
        def on_epoch_begin(self, net: object, **kwargs: object) -> None:
            ended.append(time.perf_counter())

        on_train_end = on_epoch_begin

    IBAligner(
        sufficiency=loss,
        encoders="mlp",
        n_components=DIM,
        bottleneck=None,
        batch_size=batch_size,
        max_epochs=2,
        callbacks=[Clock()],
        random_state=0,
    ).fit(X)
    return ended[-1] - ended[-2]


def ratios() -> Iterator[Ratio]:
    """Yield time and memory of InfoNCE, of SigLIP, of an epoch, and of each term."""
    for n in SIZES:
        what = f"InfoNCE and Gaussian term, forward and backward, {n} x {DIM}"
        ours, theirs = make_step(infonce, n), make_step(whole_infonce, n)
        yield in_turns(what, WHOLE, ours, theirs, repeat=max(4096 // n, 1))
        memory = [(peak(infonce, n), peak(whole_infonce, n))]
        yield of_rounds(f"{what}: memory", WHOLE, memory, "MB")
    for n in (4096, 8192):
        what = f"SigLIP, forward and backward, {n} x {DIM}"
        ours, theirs = make_step(siglip, n, False), make_step(whole_siglip, n, False)
        yield in_turns(what, WHOLE, ours, theirs, repeat=max(4096 // n, 1))
    for batch_size in (1024, 4096):
        rounds = [
            (seconds_of_epoch("infonce", batch_size), seconds_of_epoch(whole_infonce, batch_size))
            for _ in range(5)
        ]
        yield of_rounds(f"epoch of networks, batches of {batch_size}", WHOLE, rounds)
    for term in objectives_cost.all_terms():
        size = (3 if "triangle" in term else 2, LARGE)
        found = objectives_cost.peaks(term, [size])[size]
        megabytes = float(str(found["peak"])) / MB
        yield of_rounds(
            f"{term}, {size[0]} x {LARGE}: memory",
            "one matrix of float32 of all pairs",
            [(megabytes, 4 * LARGE**2 / MB)],
            "MB",
        )
