"""Files of datasets: a local copy, the cache or a download, verified in each case."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

import pooch

T = TypeVar("T")


class DataFile(NamedTuple):
    """A file and the places where it may be."""

    url: str | None  # None: not published, so that its path must be given
    local: PurePosixPath  # path in a folder of local data
    cached: str = ""  # name in the cache
    checksum: str | None = None  # "algorithm:hash" of its content; None: `read` verifies it


class DataFileError(Exception):
    """A file is not the expected one; its name precedes the message, which has no full stop."""


def read_data_file(
    file: DataFile,
    read: Callable[[Path], T],
    *,
    path: str | os.PathLike[str] | None,
    data_home: str | os.PathLike[str] | None,
    download: bool,
) -> T:
    """Read a file from the first place where it is found.

    If `path` is given, only this folder is searched. Otherwise the places are the folder named by
    the environment variable ``MIBSK_DATA``, the cache, and the URL, from which the file is
    downloaded into the cache.

    Parameters
    ----------
    file : DataFile
        The file to find.
    read : callable
        Reads a local file and returns its content; raises ``DataFileError`` if the file is not the
        expected one. A download is moved into the cache only after it has been read.
    path : path-like or None
        Folder that holds the file, under its local path or its name alone.
    data_home : path-like or None
        Folder of the cache; None for the operating system's cache folder.
    download : bool
        Whether to download what is not found.

    Returns
    -------
    object
        The return value of `read`.

    Raises
    ------
    FileNotFoundError
        If `path` does not hold the file, or no place has it and `download` is False or it is not
        published.
    OSError
        If the download fails, or the file is not the expected one.
    """
    if found := local_file(file, path):
        if file.url is None:
            remedy = "Replace it by an intact copy."
        elif path is not None:
            remedy = "Leave path out to download it."
        else:
            remedy = "Replace or remove it to download it."
        return _read(file, found, read, str(found), remedy)
    if path is not None:
        raise FileNotFoundError(
            f"no file {Path(path) / file.local}: path must be a folder that holds {file.local}."
        )
    if file.url is None:
        raise FileNotFoundError(
            f"no file {file.local}, which cannot be downloaded: give the path of a folder that "
            "holds it, or name this folder in the environment variable MIBSK_DATA."
        )
    cache = Path(pooch.os_cache("mibsk") if data_home is None else data_home).expanduser()
    kept = cache / file.cached
    if kept.is_file():
        return _read(file, kept, read, str(kept), "Delete it and call again to download it again.")
    if not download:
        raise FileNotFoundError(
            f"no file {kept}, and download=False: allow the download, or give the path of a folder "
            f"that holds {file.local}."
        )
    return _download(file, kept, read)


def local_file(file: DataFile, path: str | os.PathLike[str] | None) -> Path | None:
    """Return where a file is in the folder `path`, or else in that of ``MIBSK_DATA``, or None."""
    if path is not None:
        places = [Path(path) / file.local, Path(path) / file.local.name]
    else:
        folder = os.environ.get("MIBSK_DATA")
        places = [Path(folder) / file.local] if folder else []
    return next((place for place in places if place.is_file()), None)


def _download(file: DataFile, kept: Path, read: Callable[[Path], T]) -> T:
    """Download a file to `kept`, which is created only after the file has been read."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        fresh = Path(folder) / kept.name
        try:
            pooch.HTTPDownloader(progressbar=True)(file.url, str(fresh), None)
        except OSError as error:
            raise OSError(
                f"could not download {file.url} to {kept} ({error}). Call again, or download it by "
                "other means and give its path."
            ) from error
        content = _read(file, fresh, read, f"the download of {file.url}", "Call again.")
        fresh.replace(kept)
    return content


def _read(file: DataFile, found: Path, read: Callable[[Path], T], name: str, remedy: str) -> T:
    try:
        if file.checksum is not None:
            _check_hash(found, file.checksum)
        return read(found)
    except DataFileError as error:
        raise OSError(f"{name} {error}. {remedy}") from error


def _check_hash(found: Path, checksum: str) -> None:
    """Raise ``DataFileError`` unless a file has the expected hash; reads it in small blocks."""
    algorithm, expected = checksum.split(":")
    with found.open("rb") as content:
        actual = hashlib.file_digest(content, algorithm).hexdigest()
    if actual != expected:
        raise DataFileError(
            f"is damaged or another version: its {algorithm} is {actual}, expected {expected}"
        )
