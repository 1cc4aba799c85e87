"""Finding the published files of datasets of known factors."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ._data_file import DataFile, DataFileError, read_data_file

T = TypeVar("T")


def read_published(
    file: DataFile,
    checksum: str,
    read: Callable[[Path], T],
    *,
    path: str | os.PathLike[str] | None,
    data_home: str | os.PathLike[str] | None,
    download: bool,
) -> T:
    """Read a file given by its path as it is, or else a copy of the published one, verified.

    Parameters
    ----------
    file : DataFile
        What to look for.
    checksum : str
        Name of a hash function and the hash of the published file, as in ``md5:0123...``.
    read : callable
        Reads a local file and returns what is in it.
    path : path-like or None
        A file, which may be a part of the published one or packed anew; or a folder, see
        :func:`read_data_file`.
    data_home : path-like or None
        Folder of the cache; None for the one that the operating system reserves for caches.
    download : bool
        Whether to download what is not found.

    Returns
    -------
    object
        What `read` returned.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If the download fails, or a copy of the published file is not it.
    """
    if path is not None and Path(path).is_file():
        return read(Path(path))
    if path is not None and not Path(path).is_dir():
        raise FileNotFoundError(
            f"no file {path}: path must be a copy of {file.local.name}, or a folder that holds "
            f"{file.local}."
        )

    def read_verified(found: Path) -> T:
        _check_hash(found, checksum)
        return read(found)

    return read_data_file(file, read_verified, path=path, data_home=data_home, download=download)


def _check_hash(found: Path, checksum: str) -> None:
    """Raise ``DataFileError`` unless a file has the expected hash; holds little of it at a time."""
    name, expected = checksum.split(":")
    with found.open("rb") as content:
        actual = hashlib.file_digest(content, name).hexdigest()
    if actual != expected:
        raise DataFileError(
            f"is damaged or another version: its {name} is {actual}, expected {expected}"
        )
