"""Programs in processes of their own, which also run the package as it was at an earlier commit."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).parents[2]
BEFORE = "d268f63"
"""The commit before the work on speed."""


@contextmanager
def earlier_package(commit: str = BEFORE) -> Iterator[Path]:
    """Yield a folder with the package at a commit of this repository."""
    archived = subprocess.run(
        ["git", "archive", commit, "mibsk"], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archived)) as files:
            files.extractall(folder, filter="data")
        yield Path(folder)


def printed(program: str, package: Path = REPOSITORY) -> list[float]:
    """Run a program with the package of a folder; return the numbers that it prints."""
    environment = {**os.environ, "PYTHONPATH": str(package)}
    # in that folder, as Python looks for packages in the current one first
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=package,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in done.stdout.split()]
