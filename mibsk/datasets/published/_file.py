"""Published files, or files of the same format that are given by their path."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .._data_file import DataFile, read_data_file

T = TypeVar("T")


def read_published(
    file: DataFile,
    read: Callable[[Path], T],
    *,
    path: str | os.PathLike[str] | None,
    data_home: str | os.PathLike[str] | None,
    download: bool,
) -> T:
    """Read a file given by its path without verification, or else the published one.

    The parameters are those of :func:`read_data_file`, but `path` may also be a file: a part of the
    published one, or another file of its format.
    """
    if path is not None and Path(path).is_file():
        return read(Path(path))
    if path is not None and not Path(path).is_dir():
        raise FileNotFoundError(
            f"no file {path}: path must be a copy of {file.local.name}, or a folder that holds "
            f"{file.local}."
        )
    return read_data_file(file, read, path=path, data_home=data_home, download=download)
