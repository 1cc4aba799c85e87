"""What the processes of `torch.distributed` tell each other outside the steps of training."""

from __future__ import annotations

from typing import Any

from torch import distributed


def is_first_process() -> bool:
    """Whether this is the only process of a training, or the one that writes its files."""
    return not _are_several() or distributed.get_rank() == 0


def wait_for_all() -> None:
    """Wait until all processes of a training are here."""
    if _are_several():
        distributed.barrier()


def different_process(value: Any) -> int | None:
    """Return the number of a process that has another value than process 0, if any."""
    if not _are_several():
        return None
    values = [None] * distributed.get_world_size()
    distributed.all_gather_object(values, value)
    return next((rank for rank, other in enumerate(values) if other != values[0]), None)


def _are_several() -> bool:
    is_joint: bool = distributed.is_available() and distributed.is_initialized()
    return is_joint and distributed.get_world_size() > 1
