"""Some rows of arrays in npz files, which may be larger than memory."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import DTypeLike, NDArray

BYTES_AT_A_TIME = 2**22  # decompressed together, which bounds the memory

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def npz_length(file: Path, name: str, row_shape: tuple[int, ...], dtype: DTypeLike) -> int:
    """Return the number of rows of an array, from its header.

    Raises
    ------
    ValueError
        If the file is not an npz file, or does not have such an array.
    """
    with _open(file, name) as (content, size):
        return _read_header(content, size, name, row_shape, dtype)[0]


def read_npz_array(
    file: Path, name: str, row_shape: tuple[int, ...], dtype: DTypeLike
) -> np.ndarray:
    """Read a whole array, which must fit into memory; see :func:`npz_length`."""
    with _open(file, name) as (content, size):
        length, actual, fortran_order = _read_header(content, size, name, row_shape, dtype)
        values = np.frombuffer(content.read(), dtype=actual)
    return values.reshape(length, *row_shape, order="F" if fortran_order else "C")


def read_npz_rows(
    file: Path, name: str, rows: NDArray[np.intp], row_shape: tuple[int, ...], dtype: DTypeLike
) -> np.ndarray:
    """Read some rows of an array, in any order.

    Returns
    -------
    ndarray of shape (n, *row_shape)

    Raises
    ------
    ValueError
        If the file is damaged, or ends before the last of these rows.
    """
    order = np.argsort(rows)
    ordered = rows[order]
    with _open(file, name) as (content, size):
        length, actual, fortran_order = _read_header(content, size, name, row_shape, dtype)
        if fortran_order:
            raise ValueError(f"{name!r} must be in C order, got Fortran order.")
        found = np.empty((len(rows), *row_shape), dtype=actual)
        row_bytes = actual.itemsize * prod(row_shape)
        at_a_time = max(1, BYTES_AT_A_TIME // row_bytes)
        for start in range(0, int(ordered[-1]) + 1, at_a_time):
            stop = min(start + at_a_time, length)
            block = content.read((stop - start) * row_bytes)
            if len(block) < (stop - start) * row_bytes:
                raise EOFError(f"{name!r} ends before row {stop}")
            first, last = np.searchsorted(ordered, [start, stop])
            array = np.frombuffer(block, dtype=actual).reshape(stop - start, *row_shape)
            found[order[first:last]] = array[ordered[first:last] - start]
    return found


@contextmanager
def _open(file: Path, name: str) -> Iterator[tuple[IO[bytes], int]]:
    """Open an array in an npz file, and yield it with its size in bytes, header included."""
    damaged = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)
    try:
        with zipfile.ZipFile(file) as archive:
            member = f"{name}.npy"
            if member not in archive.namelist():
                raise ValueError(
                    f"{file} must hold an array {name!r}, it holds {sorted(archive.namelist())}."
                )
            with archive.open(member) as content:
                yield content, archive.getinfo(member).file_size
    except damaged as error:
        raise ValueError(
            f"{file} is not an npz file, or it is damaged ({error}). Download it again."
        ) from error


def _read_header(
    content: IO[bytes], size: int, name: str, row_shape: tuple[int, ...], dtype: DTypeLike
) -> tuple[int, np.dtype, bool]:
    """Return length, dtype and order of an array, and leave `content` at its first value."""
    try:
        version = np.lib.format.read_magic(content)
        shape, fortran_order, actual = HEADERS[version](content)
    except (ValueError, KeyError) as error:
        raise EOFError(f"{name!r} is not an array: {error}") from error
    matches = shape[1:] == row_shape and np.issubdtype(actual, dtype)
    if len(shape) != len(row_shape) + 1 or not matches or shape[0] == 0:
        expected = ", ".join(map(str, ("n", *row_shape)))
        kind = getattr(dtype, "__name__", dtype)
        raise ValueError(
            f"the array {name!r} must be {kind} of shape ({expected}), got {actual} of shape "
            f"{shape}."
        )
    if content.tell() + actual.itemsize * prod(shape) != size:
        raise EOFError(f"{name!r} does not have the {shape[0]} rows that its header declares")
    return shape[0], actual, fortran_order
