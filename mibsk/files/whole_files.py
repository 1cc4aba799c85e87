"""Atomic writing of files."""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any, BinaryIO

_LONGEST = 255  # bytes of a name in most file systems; a longer one is to fail
_REPEATED = 200  # bytes of a name that are repeated in that of a file beside it


def replace_file(path: str | os.PathLike[str], chunks: Iterable[Any]) -> None:
    """Write or replace a file atomically, also in case of a power failure.

    Parameters
    ----------
    path : path
        Destination path; its folder is created if needed.
    chunks : iterable of bytes-like objects
        Content of the file.

    Raises
    ------
    OSError
        If the file cannot be written. An existing file is then unchanged.
    """
    with whole_file(path) as file:
        for chunk in chunks:
            file.write(chunk)


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` atomically at the end of the context.

    After an error, an existing file is unchanged. The folder of the file is created if needed.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path_beside(path)
    try:
        with open(aside, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:  # Ctrl-C too
        aside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def remove_unfinished(path: str | os.PathLike[str]) -> None:
    """Remove what killed processes left of a file that is whole by now."""
    path = Path(path)
    for aside in left_beside(path):
        aside.unlink(missing_ok=True)


def check_can_write(path: str | os.PathLike[str]) -> None:
    """Raise unless a file can be written to `path`, without creating it.

    Raises
    ------
    ValueError
        If it cannot; the message gives the reason.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder: give the name of a file in it")
    probe = path_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(probe, "xb"):
            pass
        probe.unlink()
    except OSError as error:
        no_folder = isinstance(error, FileExistsError | NotADirectoryError)
        why = f": {path.parent} is not a folder" if no_folder else f" ({error.strerror})"
        raise ValueError(f"{path} cannot be written{why}; choose another place") from error


def path_beside(path: Path) -> Path:
    """Return the path of a new file or folder in the same folder, which is to replace `path`."""
    return path.with_name(f"{_start(path)}{uuid.uuid4().hex}.tmp")


def left_beside(path: Path) -> Iterator[Path]:
    """Yield the paths of :func:`path_beside` that are there, as of processes that were killed."""
    return path.parent.glob(f"{escape(_start(path))}*.tmp")


def _start(path: Path) -> str:
    """Return how the names of new files beside a file start."""
    name = os.fsencode(path.name)
    if _REPEATED < len(name) <= _LONGEST:
        return f".{hashlib.sha256(name).hexdigest()}."
    return f".{path.name}."


def _sync_folder(folder: Path) -> None:
    """Flush the entries of a folder to disk, if the system supports it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (
            errno.EINVAL,
            errno.ENOTSUP,
        ):  # as on some network file systems
            raise
    finally:
        os.close(descriptor)
