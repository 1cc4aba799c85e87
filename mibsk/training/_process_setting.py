"""A setting of the whole process, for a while, from several threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any


class ProcessSetting:
    """Context in which a setting of the process has one value; several threads may be inside.

    The first to enter sets the value, and the last to leave restores what was set before.

    Parameters
    ----------
    read : callable
        Returns the setting.
    write : callable
        Sets it.
    value : object
        Value within the context.
    """

    def __init__(self, read: Callable[[], Any], write: Callable[[Any], Any], value: Any) -> None:
        self.read, self.write, self.value = read, write, value
        self._n_inside, self._before = 0, value
        self._renew_lock()
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if not self._n_inside:
                self._before = self.read()
                self._write(self.value)
            self._n_inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside:
                self._write(self._before)

    def _write(self, value: Any) -> None:
        if self.read() != value:  # to write may take longer than to read
            self.write(value)
