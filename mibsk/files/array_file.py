"""Arrays in files that are whole or absent, read as memory maps."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..exceptions import FeatureCacheWarning, TornFileError
from .memory_map import read_chunks
from .whole_files import check_can_write, replace_file

_DIGEST_BYTES = 32
_CHUNK_BYTES = 2**24


def write_array(path: str | os.PathLike[str], chunks: Iterable[NDArray[np.float32]]) -> None:
    """Write float32 rows one after the other, followed by a digest of all of them.

    The file appears under its name when it is complete, so that a process which is killed leaves
    none, and several processes may write it at once.

    Parameters
    ----------
    path : path
        Replaced if it exists; its folder is created if needed.
    chunks : iterable of ndarray (k, ...)
        The rows, in parts of any length.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    hasher = hashlib.blake2b(digest_size=_DIGEST_BYTES)

    def content() -> Iterator[bytes]:
        for chunk in chunks:
            values = np.ascontiguousarray(chunk, np.float32).tobytes()
            hasher.update(values)
            yield values
        yield hasher.digest()

    replace_file(path, content())


def read_array(path: str | os.PathLike[str], shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """Return the rows of a file of :func:`write_array` as a read-only memory map.

    Parameters
    ----------
    path : path
        The file.
    shape : tuple of int
        Shape of all rows, the first axis included.

    Returns
    -------
    ndarray of float32, or None
        None if there is no such file.

    Raises
    ------
    TornFileError
        If the file has another size, or its content has changed since it was written.
    """
    path = Path(path)
    if not path.is_file():
        return None
    n_values = prod(shape)
    n_bytes = n_values * np.dtype(np.float32).itemsize
    found = path.stat().st_size
    if found != n_bytes + _DIGEST_BYTES:
        raise TornFileError(
            f"{path} has {found} bytes, expected {n_bytes + _DIGEST_BYTES}: delete it."
        )
    rows = np.memmap(path, np.float32, "r", shape=shape)
    hasher = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for _, chunk in read_chunks(rows, max(1, _CHUNK_BYTES * shape[0] // max(n_bytes, 1))):
        hasher.update(np.ascontiguousarray(chunk).data)
    with open(path, "rb") as file:
        file.seek(n_bytes)
        if file.read() != hasher.digest():
            raise TornFileError(f"{path} has changed since it was written: delete it.")
    return rows


def read_or_write(
    path: str | os.PathLike[str],
    shape: tuple[int, ...],
    chunks: Callable[[], Iterable[NDArray[np.float32]]],
    reason_against: Callable[[NDArray[np.float32]], str] = lambda found: "",
) -> NDArray[np.float32]:
    """Return the rows of a file as a memory map, after they were computed if there is none.

    Parameters
    ----------
    path : path
        The file.
    shape : tuple of int
        Shape of all rows.
    chunks : callable
        Computes the rows, as for :func:`write_array`.
    reason_against : callable, default returns ""
        Says why the rows of a file are not those wanted; "" if they are.

    Returns
    -------
    ndarray of float32

    Raises
    ------
    OSError
        If the file cannot be written.

    Warns
    -----
    FeatureCacheWarning
        If a file is damaged or has other rows. It is replaced.
    """
    found, reason = None, ""
    try:
        found = read_array(path, shape)
    except TornFileError as error:
        reason = str(error)
    if found is not None:
        reason = reason_against(found)
    if reason:
        message = f"{reason} Its features are computed again."
        warnings.warn(message, FeatureCacheWarning, stacklevel=3)
    if found is None or reason:
        check_can_write(path)  # rather than after all have been computed
        write_array(path, chunks())
        found = read_array(path, shape)
    assert found is not None
    return found
