"""Resident memory of this process on Linux, pages of mapped files included."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MB = 10**6


def status(entry: str) -> int:
    """Return an entry of /proc/self/status in bytes."""
    found = re.search(rf"{entry}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


@contextmanager
def growth(what: str, limit: int, n_output: int = 0) -> Iterator[None]:
    """Print the time and the growth of memory inside the context.

    `n_output` bytes are not counted. A growth of more than `limit` bytes is pointed out.
    """
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before, started = status("VmRSS"), time.perf_counter()
    yield
    seconds, grown = time.perf_counter() - started, status("VmHWM") - before - n_output
    beside = f" beside {n_output / MB:.0f} MB of output" if n_output else ""
    verdict = "" if grown < limit else f": MORE THAN {limit / MB:.0f} MB"
    print(
        f"{what}: {seconds:.0f} s, {before / MB:.0f} MB grew by {grown / MB:.0f} MB{beside}"
        f"{verdict}",
        flush=True,
    )
