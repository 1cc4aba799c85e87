"""The folder of a site: written whole, and replaced as a whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files.whole_files import left_beside, path_beside

MARK = "data/site.json"
"""File by which the folder of a site is recognised."""


def check_replaceable(folder: Path) -> None:
    """Raise unless a site can be written to a folder: a new one, an empty one, or that of a site.

    Raises
    ------
    ValueError
        If the folder has other files, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: give a folder for the site.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise ValueError(f"{folder} has files that are not those of a site: give another folder.")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Create a folder that replaces `folder` at the end of the context.

    After an error, `folder` is as it was.

    Raises
    ------
    ValueError
        As :func:`check_replaceable`.
    """
    folder = Path(os.path.abspath(folder))  # "." has no name to write beside
    check_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = path_beside(folder)
    try:
        new.mkdir()
        yield new
        check_replaceable(folder)  # others may have written there in the meantime
        _swap(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    for left in left_beside(folder):  # by killed processes
        shutil.rmtree(left, ignore_errors=True)


def _swap(new: Path, folder: Path) -> None:
    """Put a new folder in the place of another, or leave that one as it is."""
    if not folder.exists():
        os.replace(new, folder)
        return
    old = path_beside(folder)
    os.replace(folder, old)
    try:
        os.replace(new, folder)
    except BaseException:
        os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
