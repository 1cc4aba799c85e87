"""Files of data sets: a local copy, the cache or a download, checked wherever they come from."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

import pooch

T = TypeVar("T")


class DataFile(NamedTuple):
    """A file and the places where it may stand."""

    url: str
    local: PurePosixPath  # in a folder of local data
    cached: str  # its name in the cache


class DataFileError(Exception):
    """A file is not what was expected; the message completes a sentence that begins with it."""


def read_data_file(
    file: DataFile,
    read: Callable[[Path], T],
    *,
    path: str | os.PathLike[str] | None,
    data_home: str | os.PathLike[str] | None,
    download: bool,
) -> T:
    """Read a file from the first place that has it.

    The places are the folder `path`, alone if it is given; the folder named by the environment
    variable ``MIBSK_DATA``; the cache; and the address, from where it goes into the cache.

    Parameters
    ----------
    file : DataFile
        What to look for.
    read : callable
        Reads a local file and returns what is in it; raises ``DataFileError`` if that is not what
        was expected. A download enters the cache only once it has been read.
    path : path-like or None
        Folder that holds the file, under its local name with or without the folders before it.
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
        If there is no such file in `path`, or nowhere and `download` is False.
    OSError
        If the download fails, or the file is not the expected one.
    """
    if path is not None:
        for found in (Path(path) / file.local, Path(path) / file.local.name):
            if found.is_file():
                return _read(found, read, str(found), "Leave path out to download it.")
        raise FileNotFoundError(
            f"no file {Path(path) / file.local}: path must be a folder that holds {file.local}."
        )
    if folder := os.environ.get("MIBSK_DATA"):
        found = Path(folder) / file.local
        if found.is_file():
            return _read(found, read, str(found), "Replace or remove it to download it.")
    cache = Path(pooch.os_cache("mibsk") if data_home is None else data_home).expanduser()
    kept = cache / file.cached
    if kept.is_file():
        return _read(kept, read, str(kept), "Delete it and call again to download it anew.")
    if not download:
        raise FileNotFoundError(
            f"no file {kept}, and download=False: allow the download, or give the path of a folder "
            f"that holds {file.local}."
        )
    return _download(file.url, kept, read)


def check_sha256(content: bytes, expected: str) -> None:
    """Raise ``DataFileError`` unless the bytes have the expected SHA-256."""
    actual = hashlib.sha256(content).hexdigest()
    if actual != expected:
        raise DataFileError(
            f"is damaged or another version: its SHA-256 is {actual}, expected {expected}"
        )


def _download(url: str, kept: Path, read: Callable[[Path], T]) -> T:
    """Download a file; `kept` appears only once it has been read."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        fresh = Path(folder) / kept.name
        try:
            pooch.HTTPDownloader(progressbar=True)(url, str(fresh), None)
        except OSError as error:
            raise OSError(
                f"could not download {url} to {kept} ({error}). Call again, or download it by "
                "other means and give its path."
            ) from error
        content = _read(fresh, read, f"the download of {url}", "Call again.")
        fresh.replace(kept)
    return content


def _read(found: Path, read: Callable[[Path], T], name: str, remedy: str) -> T:
    try:
        return read(found)
    except DataFileError as error:
        raise OSError(f"{name} {error}. {remedy}") from error
