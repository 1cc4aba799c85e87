"""The device under test, and what the measurements share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch

from mibsk import IBAligner, Modalities
from mibsk.datasets import make_sprites
from mibsk.encoders import MLP, ResNet

GB = 10**9
CPU = torch.device("cpu")
N_THREADS = torch.get_num_threads()

Row = dict[str, Any]


class LeftOut(Exception):  # noqa: N818
    """A part that cannot be measured here, and why."""


class Setup(NamedTuple):
    """The device under test, and whether data are small."""

    device: torch.device
    small: bool

    def n(self, many: int, few: int) -> int:
        """Return the size of the data."""
        return few if self.small else many


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(
    do: Callable[[], Any], device: torch.device, rounds: int = 3, *, warm_up: int = 1
) -> float:
    """Return the median over rounds, after some that do not count."""
    times = []
    for _ in range(warm_up + rounds):
        synchronize(device)
        started = time.perf_counter()
        do()
        synchronize(device)
        times.append(time.perf_counter() - started)
    return float(np.median(times[warm_up:]))


def peak(do: Callable[[], Any], device: torch.device) -> float:
    """Return the gigabytes of a GPU that are needed beyond what is taken; 0 on a CPU."""
    if device.type != "cuda":
        do()
        return 0.0
    synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    do()
    synchronize(device)
    return (torch.cuda.max_memory_allocated(device) - before) / GB


def free_memory(device: torch.device) -> float:
    """Return the free bytes of a GPU; without bound on a CPU."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else float("inf")


@contextmanager
def threads(n: int) -> Iterator[None]:
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(N_THREADS)


def best_of_threads(measure: Callable[[], float]) -> float:
    """Return the better of the times with one thread and with all."""
    times = []
    for n in {1, N_THREADS}:
        with threads(n):
            times.append(measure())
    return min(times)


def sprites(n: int, side: int) -> Modalities:
    """Return images and the factors that they show, almost all of them different."""
    shared = ("shape", "scale", "orientation", "pos_x", "pos_y")
    data: Modalities = make_sprites(n, image_size=side, shared=shared, random_state=0).data
    return data


def encoders(name: str) -> dict[str, Any]:
    image = {"mlp": MLP(hidden=(512, 256)), "resnet20": ResNet(20)}[name]
    return {"image": image, "factors": MLP(hidden=(64, 64))}


def aligner(device: torch.device, name: str = "mlp", **params: Any) -> IBAligner:
    given = {"encoders": encoders(name), "random_state": 0, "max_epochs": 3, **params}
    return IBAligner(device=str(device), **given)


def equal_weights(a: IBAligner, b: IBAligner) -> bool:
    """Whether weights, running statistics and temperature are the same bit for bit."""
    ours, theirs = a.module_.state_dict(), b.module_.state_dict()
    same = [torch.equal(ours[name].cpu(), theirs[name].cpu()) for name in ours]
    return all(same) and ours.keys() == theirs.keys()


def farthest(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    """Return the largest absolute difference between the embeddings of all modalities."""
    return max(float(np.abs(a[name] - b[name]).max()) for name in a)


def views(n: int, d: int, noise: float = 1.0, n_distinct: int | None = None) -> list[np.ndarray]:
    """Return two noisy views of what is hidden, rows of unit norm in float32, or few of them."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((n, d), dtype=np.float32)
    both = [hidden + noise * rng.standard_normal((n, d), dtype=np.float32) for _ in range(2)]
    both = [Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in both]
    return both if n_distinct is None else [Z[np.arange(n) % n_distinct] for Z in both]
