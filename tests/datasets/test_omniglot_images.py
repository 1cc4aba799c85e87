"""The decoder of Omniglot's PNG files, and resizing by means over areas."""

import struct
import zlib
from itertools import pairwise

import numpy as np
import pytest

from mibsk.datasets._data_file import DataFileError
from mibsk.datasets._omniglot_images import decode_drawings, shrink


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", 0)


def png(ink, *, kind=0, n_parts=1, header=(105, 105, 1, 0, 0, 0, 0)):
    """Return a PNG file of a drawing (105, 105): one bit, `kind` the filter of all rows."""
    rows = np.packbits(1 - ink, axis=1)
    packed = zlib.compress(np.insert(rows, 0, kind, axis=1).astype(np.uint8).tobytes())
    cuts = [len(packed) * i // n_parts for i in range(n_parts + 1)]
    parts = [packed[a:b] for a, b in pairwise(cuts)]
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", *header)),
            chunk(b"tIME", bytes(7)),
            *(chunk(b"IDAT", part) for part in parts),
            chunk(b"IEND", b""),
        ]
    )


@pytest.fixture
def ink():
    return np.random.default_rng(0).integers(2, size=(3, 105, 105), dtype=np.uint8)


@pytest.mark.parametrize("n_parts", [1, 3])
def test_decodes_what_was_drawn(ink, n_parts):
    decoded = decode_drawings(png(drawing, n_parts=n_parts) for drawing in ink)
    np.testing.assert_array_equal(decoded, ink)
    assert decoded.dtype == np.uint8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"GIF89a", "not a 1-bit PNG of 105x105"),
        (png(np.ones((105, 105), int), header=(104, 105, 1, 0, 0, 0, 0)), "not a 1-bit PNG"),
        (png(np.ones((105, 105), int), header=(105, 105, 8, 0, 0, 0, 0)), "not a 1-bit PNG"),
        (png(np.ones((105, 105), int), kind=2), "filtered rows"),
    ],
    ids=["no PNG", "other size", "other depth", "filter"],
)
def test_refuses_other_images(content, message):
    with pytest.raises(DataFileError, match=message):
        decode_drawings([content])


def test_shrunk_pixels_are_means_of_areas_by_hand():
    # from 3 pixels to 2, each of which covers one and a half
    ink = np.array([[[1, 0, 0], [0, 0, 0], [0, 0, 1]]], dtype=np.uint8)
    expected = np.array([[1, 0], [0, 1]]) / 1.5**2
    np.testing.assert_array_equal(shrink(ink, 2)[0], np.rint(255 * expected))


@pytest.mark.parametrize("size", [8, 28, 35, 104])
def test_shrinking_keeps_the_mean(ink, size):
    shrunk = shrink(ink, size)
    assert shrunk.shape == (3, size, size)
    np.testing.assert_allclose(shrunk.mean(axis=(1, 2)), 255 * ink.mean(axis=(1, 2)), rtol=5e-3)
    np.testing.assert_array_equal(shrink(np.ones_like(ink), size), 255)


def test_shrinking_by_a_whole_number_is_the_mean_of_blocks(ink):
    blocks = ink.reshape(3, 35, 3, 35, 3).mean(axis=(2, 4))
    np.testing.assert_array_equal(shrink(ink, 35), np.rint(255 * blocks))


def test_full_size_is_the_drawing(ink):
    np.testing.assert_array_equal(shrink(ink, 105), 255 * ink)


def test_many_images_are_shrunk_alike(ink):
    many = np.tile(ink, (100, 1, 1))  # more than are held in float32 at once
    np.testing.assert_array_equal(shrink(many, 28), np.tile(shrink(ink, 28), (100, 1, 1)))
