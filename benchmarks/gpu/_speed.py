"""Time and memory of epochs and of the loss."""

from __future__ import annotations

import importlib.util
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from mibsk import IBAligner, Modalities, fit_together
from mibsk.losses import infonce

from ..performance.losses import whole_infonce
from ._setup import (
    CPU,
    Row,
    Setup,
    aligner,
    best_of_threads,
    encoders,
    free_memory,
    peak,
    seconds,
    sprites,
    views,
)


def epoch_seconds(fitted: IBAligner) -> float:
    """Return the median over the epochs after the first one."""
    return float(np.median([epoch["dur"] for epoch in fitted.history_[1:]]))


def epochs(setup: Setup) -> list[Row]:
    """Seconds of an epoch: MLP at three batch sizes, ResNet20 in three forms."""
    rows: list[Row] = []

    def measure(what: str, beside: float, data: Modalities, **params: Any) -> float:
        """Add a row, beside the seconds of another form (NaN: of the CPU, measured here)."""
        given = {"max_epochs": setup.n(6, 2), **params}
        made = aligner(setup.device, **given)
        memory = peak(lambda: made.fit(data), setup.device)
        taken = epoch_seconds(made)
        cpu = np.isnan(beside)
        if cpu:
            given |= {"max_epochs": setup.n(3, 2), "precision": "float32"}
            of_cpu = partial(_epoch_on_cpu, data, **given)
            beside = of_cpu() if "ResNet" in what else best_of_threads(of_cpu)
        rows.append(
            {
                "epoch of": what,
                "device, s": round(taken, 4),
                "first epoch, s": round(made.history_[0]["dur"], 2),
                "device, peak GB": round(memory, 2),
                "beside": "CPU, float32" if cpu else "device, float32",
                "beside, s": round(beside, 4),
                "times as fast": round(beside / taken, 2),
            }
        )
        return taken

    X, Y = views(setup.n(20_000, 512), 512)
    pairs = Modalities({"a": X, "b": Y})
    for batch in (128, 1024, 8192):
        params = {"encoders": "mlp", "batch_size": batch}
        name = f"MLP, {len(X)} x 512 twice, batch {batch}"
        plain = measure(f"{name}, float32", float("nan"), pairs, precision="float32", **params)
        measure(f"{name}, auto", plain, pairs, **params)
    n = setup.n(2048, 256)
    images = sprites(n, 64)
    name = f"ResNet20, {n} images of 64 x 64"
    params = {"encoders": encoders("resnet20"), "max_epochs": setup.n(4, 2)}
    plain = measure(f"{name}, float32", float("nan"), images, precision="float32", **params)
    measure(f"{name}, auto", plain, images, **params)
    if setup.device.type == "cuda" and importlib.util.find_spec("triton") is not None:
        measure(f"{name}, auto, compiled", plain, images, compile=True, **params)
    else:
        print("left out: compile=True, which needs a GPU and triton\n")
    return rows


def _epoch_on_cpu(data: Modalities, **params: Any) -> float:
    return epoch_seconds(aligner(CPU, **params).fit(data))


def loss(setup: Setup) -> list[Row]:
    """InfoNCE, forward and backward, at large batches: in tiles, and with the whole matrix."""
    rows = []
    for n in (setup.n(8192, 128), setup.n(32768, 2100), setup.n(65536, 2600)):
        gradients, row = {}, {"batch": n, "columns": 512}
        for way, function in (("tiles", infonce), ("whole", whole_infonce)):
            if way == "whole" and 20 * n**2 > free_memory(setup.device):  # 5 matrices of float32
                continue
            step = partial(_gradients, function, n, setup.device)
            row[f"{way}, ms"] = round(1000 * seconds(step, setup.device), 2)
            row[f"{way}, added GB"] = round(peak(step, setup.device), 3)
            gradients[way] = step()
        if setup.device.type == "cuda" and n <= 8192:
            on_cpu = 1000 * seconds(partial(_gradients, infonce, n, CPU), CPU, 1)
            row |= {"CPU, ms": round(on_cpu, 1), "CPU / tiles": round(on_cpu / row["tiles, ms"], 1)}
        if "whole" in gradients:
            pairs = zip(*gradients.values(), strict=True)
            differ = max(float((a - b).norm() / b.norm()) for a, b in pairs)
            row |= {"gradients differ by": differ, "holds": differ < 1e-5}
        rows.append(row)
    return rows


def _gradients(function: Any, n: int, device: torch.device) -> tuple[torch.Tensor, ...]:
    """Return the gradients with respect to two sets of rows and the temperature."""
    drawn = torch.Generator(device).manual_seed(0)
    leaves = [
        torch.randn(n, 512, device=device, generator=drawn, requires_grad=True) for _ in range(2)
    ]
    temperature = torch.tensor(0.07, device=device, requires_grad=True)
    z, w = (normalize(leaf, dim=1) for leaf in leaves)
    return torch.autograd.grad(function(z, w, temperature), [*leaves, temperature])


def together(setup: Setup) -> list[Row]:
    """Eight fits in four processes on one device, beside one after another."""
    data = sprites(setup.n(4096, 256), 32)
    rows = []
    for name, n_epochs in (("mlp", setup.n(30, 2)), ("resnet20", setup.n(4, 1))):

        def made(name: str = name, n_epochs: int = n_epochs) -> list[IBAligner]:
            given = {"max_epochs": n_epochs, "bottleneck": None}
            return [
                aligner(setup.device, name, beta=0.1 * i, random_state=i, **given) for i in range(8)
            ]

        def alone(made: Any = made) -> None:
            for each in made():
                each.fit(data)

        def at_once(made: Any = made) -> None:
            fit_together(made(), data, n_jobs=4)

        one_by_one = seconds(alone, setup.device, 1, warm_up=0)
        taken = seconds(at_once, setup.device, 1)  # the first call starts the processes
        row: Row = {"encoder": name, "fits": 8, "processes": 4, "together, s": round(taken, 2)}
        row |= {"one by one, s": round(one_by_one, 2)}
        rows.append(row | {"times as fast": round(one_by_one / taken, 2)})
    return rows
