"""Decoding and resizing of the images of Omniglot."""

import struct
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ._data_file import DataFileError

SIDE = 105  # pixels
SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0)  # 1-bit greyscale, not interlaced
ROW_BYTES = 1 + -(-SIDE // 8)  # type of filter, then eight pixels per byte
ROWS_AT_ONCE = 256  # images in float32: 11 MB


def decode_drawings(files: Iterable[bytes]) -> NDArray[np.uint8]:
    """Return the drawings in PNG files, shape (n, 105, 105): 1 where there is ink, else 0.

    To avoid a dependency on an imaging library, only the kind of PNG files that Omniglot has is
    decoded: 105x105 pixels of one bit, 1 for paper, without filters.

    Raises
    ------
    DataFileError
        If a file is of another kind.
    """
    rows = np.frombuffer(b"".join(map(_rows_of_bits, files)), dtype=np.uint8)
    rows = rows.reshape(-1, SIDE, ROW_BYTES)
    if rows[..., 0].any():
        raise DataFileError(
            "holds an image with filtered rows, where unfiltered ones were expected"
        )
    paper = np.unpackbits(rows[..., 1:], axis=-1, count=SIDE)
    return 1 - paper


def _rows_of_bits(content: bytes) -> bytes:
    """Return the rows of a PNG file: type of filter, then the bits of the pixels."""
    if not content.startswith(SIGNATURE) or content[16:29] != HEADER:
        raise DataFileError(f"holds an image that is not a 1-bit PNG of {SIDE}x{SIDE} pixels")
    packed = b""
    at = len(SIGNATURE)
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        if content[at + 4 : at + 8] == b"IDAT":
            packed += content[at + 8 : at + 8 + length]
        at += 12 + length  # length, type and checksum have four bytes each
    return zlib.decompress(packed)


def shrink(ink: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize images by averaging over the area of each new pixel.

    Parameters
    ----------
    ink : ndarray of uint8 (n, side, side)
        Values 0 and 1.
    size : int
        New side in pixels, at most the old one.

    Returns
    -------
    ndarray of uint8 (n, size, size)
        0 to 255, where 255 is ink.
    """
    side = ink.shape[1]
    edges = np.arange(size + 1) * (side / size)
    pixels = np.arange(side)
    # (size, side): share of old pixel j in new pixel i, from the overlap of their intervals
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    share = (np.clip(overlap, 0, None) * (size / side)).astype(np.float32)
    shrunk = np.empty((len(ink), size, size), dtype=np.uint8)
    for start in range(0, len(ink), ROWS_AT_ONCE):
        part = share @ ink[start : start + ROWS_AT_ONCE].astype(np.float32) @ share.T
        shrunk[start : start + ROWS_AT_ONCE] = np.rint(255 * part)
    return shrunk
