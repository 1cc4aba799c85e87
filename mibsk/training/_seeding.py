"""Random numbers of torch, for one thread at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_turn = threading.RLock()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let the other threads wait that enter this context; a thread may enter it repeatedly.

    It protects what belongs to the process: torch's generators, from which initial weights and
    dropout are drawn, the flags of cuDNN, and the filters of warnings.
    """
    with _turn:
        yield


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators within the context, and restore the global state afterwards.

    Threads take turns. cuDNN uses deterministic algorithms within the context.
    """
    devices = [device] if device.type == "cuda" else []
    cudnn = torch.backends.cudnn
    with one_at_a_time():
        before = cudnn.deterministic, cudnn.benchmark
        with torch.random.fork_rng(devices=devices):
            seed_torch(seed, device)
            # not cudnn.flags(), which also sets the flags that are not passed, e.g. enabled=False
            cudnn.deterministic, cudnn.benchmark = True, False
            try:
                yield
            finally:
                cudnn.deterministic, cudnn.benchmark = before


def seed_torch(seed: int, device: torch.device) -> None:
    """Seed torch's generators of the CPU and of `device`."""
    # not torch.manual_seed, which also seeds other GPUs, whose state is not restored
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


def random_state(device: torch.device) -> list[torch.Tensor]:
    """Return the states of torch's generators of the CPU and of `device`."""
    on_gpu = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.get_rng_state(), *on_gpu]


def set_random_state(state: list[torch.Tensor], device: torch.device) -> None:
    """Restore the states from :func:`random_state`."""
    torch.set_rng_state(state[0])
    for on_gpu in state[1:]:
        torch.cuda.set_rng_state(on_gpu, device)


def _forget_other_threads() -> None:
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    # a thread that was training when the process was forked never ends in the child
    os.register_at_fork(after_in_child=_forget_other_threads)
