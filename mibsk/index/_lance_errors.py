"""Errors of LanceDB: of a full disk, and of processes that write at the same time."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_FULL = ("No space left", "os error 28", "os error 122")  # 122 is the quota of a user
_CONFLICT = ("commit conflict", "already exists")
_TRIES = 8


def written(call: Callable[[], T], address: str) -> T:
    """Return the result of a call that writes, again if another process has written meanwhile.

    Raises
    ------
    OSError
        If the disk is full.
    """
    for i in range(_TRIES):
        try:
            return call()
        except (OSError, RuntimeError, ValueError) as error:
            if any(each in str(error) for each in _FULL):
                raise OSError(
                    errno.ENOSPC,
                    "the disk is full: what was in the index before is there, unchanged. Make room "
                    "and repeat the call",
                    address,
                ) from error
            if i == _TRIES - 1 or not is_conflict(error):
                raise
        time.sleep(0.05 * 2**i)
    raise AssertionError("unreachable")


def is_conflict(error: Exception) -> bool:
    """Whether another process has written at the same time."""
    return any(each in str(error) for each in _CONFLICT)
