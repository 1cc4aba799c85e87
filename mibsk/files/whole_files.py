"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def replace_file(path: str | os.PathLike[str], chunks: Iterable[Any]) -> None:
    """Put a new file in place of an earlier one, also if the power fails.

    Parameters
    ----------
    path : path
        The file; its folder is made if it is not there.
    chunks : iterable of bytes-like objects
        What is in it.

    Raises
    ------
    OSError
        If it cannot be written. An earlier file is then left as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _beside(path)
    try:
        with open(aside, "xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:  # Ctrl-C too
        aside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def check_can_write(path: str | os.PathLike[str]) -> None:
    """Raise unless a file can be put at `path`; nothing is left there.

    Raises
    ------
    ValueError
        If it cannot; the message says why.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder: give the name of a file in it")
    probe = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(probe, "xb"):
            pass
        probe.unlink()
    except OSError as error:
        no_folder = isinstance(error, FileExistsError | NotADirectoryError)
        why = f": {path.parent} is no folder" if no_folder else f" ({error.strerror})"
        raise ValueError(f"{path} cannot be written{why}; choose another place") from error


def _beside(path: Path) -> Path:
    """Return the path of a new file in the same folder."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder last, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise
    finally:
        os.close(descriptor)
