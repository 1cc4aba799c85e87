"""Rows of memory-mapped files, read without keeping the file in memory."""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

_SMALLEST_FILE = 2**26  # bytes; smaller maps may stay in memory
_MAPPINGS = "/proc/self/maps"


class FileRows:
    """Rows of a memory map, read from its file instead; created by :func:`file_rows`.

    Rows accessed through a map stay in the resident memory of the process, with up to 2 MiB around
    each, until the whole file is resident. Reading the file avoids this, and is also faster for
    rows in random order of a file larger than memory, because the kernel fetches only these rows.

    Parameters
    ----------
    X : ndarray (n, ...)
        View of a mapped file, with C-contiguous rows.
    descriptor : int
        Descriptor of the file, open for reading. It is closed with this object.
    offset : int
        Offset of the first row in the file, in bytes.
    """

    def __init__(self, X: np.ndarray, descriptor: int, offset: int) -> None:
        self._X, self._descriptor, self._offset = X, descriptor, offset
        weakref.finalize(self, os.close, descriptor)

    def __len__(self) -> int:
        return len(self._X)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return a copy of the rows of a slice, or of an array of indices >= 0."""
        if isinstance(rows, slice):
            numbers = range(*rows.indices(len(self)))
        elif len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(
                f"expected row numbers in 0..{len(self) - 1}, got {rows.min()}..{rows.max()}."
            )
        else:
            numbers = rows.tolist()
        found = np.empty((len(numbers), *self._X.shape[1:]), self._X.dtype)
        if not len(numbers):
            return found
        stride, buffers = self._X.strides[0], found.reshape(len(numbers), -1).view(np.uint8)
        if isinstance(numbers, range) and numbers.step * stride == buffers.shape[1]:
            self._read(buffers.reshape(-1), self._offset + numbers[0] * stride)
        else:
            for buffer, number in zip(buffers, numbers, strict=True):
                self._read(buffer, self._offset + number * stride)
        return found

    def _read(self, buffer: np.ndarray, offset: int) -> None:
        while len(buffer):
            n_read = os.preadv(self._descriptor, [buffer.data], offset)
            if n_read == 0:
                raise OSError("a memory-mapped file has become shorter since it was mapped.")
            buffer, offset = buffer[n_read:], offset + n_read

    def __reduce__(self) -> tuple[Any, ...]:
        return file_rows, (self._X,)


def file_rows(X: Any) -> Any:
    """Return the rows of a large mapped file as :class:`FileRows`, other input unchanged.

    Also unchanged are copy-on-write maps, whose changes are not in the file, rows that are not
    contiguous (Fortran order), deleted files, and all maps on systems other than Linux, where the
    file of a map cannot be found.
    """
    base = X
    while isinstance(base, np.ndarray):
        base = base.base
    if not isinstance(base, mmap.mmap) or X.nbytes < _SMALLEST_FILE:
        return X
    if not X[0].flags.c_contiguous:
        return X
    found = _file_behind(X.__array_interface__["data"][0])
    return X if found is None else FileRows(X, *found)


def read_chunks(X: Any, n_rows: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the index of the first row, and the rows, of each chunk of `X`."""
    rows = file_rows(X)
    for start in range(0, len(X), n_rows):
        yield start, np.asarray(rows[start : start + n_rows])


def _file_behind(address: int) -> tuple[int, int] | None:
    """Open the file of the shared map at `address`; return its descriptor and the offset."""
    if not os.path.exists(_MAPPINGS):
        return None
    with open(_MAPPINGS, newline="\n", errors="surrogateescape", encoding="utf-8") as mappings:
        for line in mappings:
            span, permissions, offset, _, inode, *path = line.rstrip("\n").split(maxsplit=5)
            start, stop = (int(end, 16) for end in span.split("-"))
            if start <= address < stop:
                break
        else:
            return None
    if not permissions.endswith("s") or not path:
        return None
    try:
        descriptor = os.open(path[0], os.O_RDONLY)
    except OSError:
        return None
    if os.fstat(descriptor).st_ino != int(inode):  # the path now names another file
        os.close(descriptor)
        return None
    return descriptor, int(offset, 16) + address - start
