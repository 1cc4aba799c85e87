"""Rows of arrays in npz files: against numpy, in bounded memory, and from broken files."""

import tracemalloc
import zipfile

import numpy as np
import pytest

from mibsk.datasets.published import _npz
from mibsk.datasets.published._npz import npz_length, read_npz_array, read_npz_rows

ROW = (4, 3)


@pytest.fixture
def array():
    return np.random.default_rng(0).integers(256, size=(50, *ROW), dtype=np.uint8)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("at_a_time", [1, 12 * 7, 12 * 50, 2**24])
@pytest.mark.parametrize("rows", [[3], [49, 0, 17, 16], range(50), range(49, -1, -1)])
def test_rows_equal_those_of_numpy(tmp_path, monkeypatch, array, save, at_a_time, rows):
    monkeypatch.setattr(_npz, "BYTES_AT_A_TIME", at_a_time)
    file = tmp_path / "file.npz"
    save(file, other=np.zeros(3), images=array)
    rows = np.array(rows)
    assert npz_length(file, "images", ROW, np.uint8) == 50
    np.testing.assert_array_equal(
        read_npz_rows(file, "images", rows, ROW, np.uint8), array[rows], strict=True
    )


@pytest.mark.parametrize("order", ["C", "F"])
def test_whole_array_equals_that_of_numpy(tmp_path, array, order):
    file = tmp_path / "file.npz"
    np.savez_compressed(file, images=np.asarray(array, order=order))
    np.testing.assert_array_equal(read_npz_array(file, "images", ROW, np.uint8), array, strict=True)
    if order == "F":
        with pytest.raises(ValueError, match="'images' must be in C order, got Fortran order"):
            read_npz_rows(file, "images", np.array([3]), ROW, np.uint8)


def test_memory_is_bounded(tmp_path):
    file = tmp_path / "large.npz"
    np.savez_compressed(file, images=np.zeros((100_000, 32, 32), dtype=np.uint8))
    tracemalloc.start()
    try:
        found = read_npz_rows(file, "images", np.array([99_999, 5]), (32, 32), np.uint8)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.shape == (2, 32, 32)
    assert peak < 4 * _npz.BYTES_AT_A_TIME < 100_000 * 32 * 32 / 2


def test_nothing_is_unpickled(tmp_path, array):
    """dSprites has its metadata as a pickled object."""
    file = tmp_path / "file.npz"
    np.savez(file, metadata=np.array({"author": "x"}, dtype=object), images=array)
    assert npz_length(file, "images", ROW, np.uint8) == 50
    with pytest.raises(ValueError, match=r"'metadata' must be uint8 .* got object"):
        npz_length(file, "metadata", ROW, np.uint8)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((5, 4, 4), np.uint8), r"uint8 of shape \(n, 4, 3\).* got uint8 of shape \(5, 4"),
        (np.zeros((5, *ROW)), "got float64"),
        (np.zeros((5, 4), np.uint8), r"shape \(5, 4\)"),
        (np.uint8(3), r"shape \(\)"),
        (np.zeros((0, *ROW), np.uint8), r"shape \(0, 4, 3\)"),
    ],
)
def test_another_array_is_refused(tmp_path, images, message):
    file = tmp_path / "file.npz"
    np.savez(file, images=images)
    with pytest.raises(ValueError, match=message):
        npz_length(file, "images", ROW, np.uint8)


def test_missing_array_is_named(tmp_path, array):
    file = tmp_path / "file.npz"
    np.savez(file, pictures=array)
    with pytest.raises(ValueError, match=r"must hold an array 'images', it holds \['pictures.npy'"):
        npz_length(file, "images", ROW, np.uint8)


def test_broken_files(tmp_path, array):
    file = tmp_path / "file.npz"
    np.savez_compressed(file, images=array)
    content = file.read_bytes()
    damaged = bytearray(content)
    damaged[300:340] = bytes(40)
    for bad in (b"", b"no zip", content[: len(content) // 2], bytes(damaged)):
        file.write_bytes(bad)
        with pytest.raises(ValueError, match=r"is not an npz file, or it is damaged.*again"):
            read_npz_rows(file, "images", np.arange(50), ROW, np.uint8)


def test_fewer_rows_than_the_header_declares(tmp_path, array):
    whole = tmp_path / "whole.npy"
    np.save(whole, array)
    file = tmp_path / "file.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("images.npy", whole.read_bytes()[:-5])
    with pytest.raises(ValueError, match="does not have the 50 rows that its header declares"):
        npz_length(file, "images", ROW, np.uint8)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("images.npy", b"not an array at all")
    with pytest.raises(ValueError, match="'images' is not an array"):
        npz_length(file, "images", ROW, np.uint8)
