"""Rows drawn from a file, and published files with known checksums."""

import hashlib
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from mibsk.datasets._data_file import DataFile
from mibsk.datasets._factors import draw_rows
from mibsk.datasets.published._file import read_published

CONTENT = b"the published file"
FILE = DataFile(
    "https://example.org/file.bin",
    PurePosixPath("set", "file.bin"),
    "file.bin",
    checksum=f"md5:{hashlib.md5(CONTENT).hexdigest()}",
)


def read(**places):
    places = {"path": None, "data_home": None, "download": False} | places
    return read_published(FILE, Path.read_bytes, **places)


def test_rows_are_distinct_and_random():
    rng = np.random.RandomState(0)
    rows = draw_rows(1000, 600, rng)
    assert len(set(rows)) == 600
    assert not np.all(np.diff(rows) > 0)
    assert rows.max() < 1000
    assert abs(rows.mean() - 499.5) < 5 * 1000 / np.sqrt(12 * 600)


def test_all_rows_keep_their_order_and_draw_nothing():
    rng = np.random.RandomState(0)
    np.testing.assert_array_equal(draw_rows(7, None, rng), np.arange(7))
    assert rng.randint(1000) == np.random.RandomState(0).randint(1000)


@pytest.mark.parametrize(
    ("n_samples", "error"), [(0, ValueError), (8, ValueError), (2.0, TypeError)]
)
def test_bad_number_of_rows(n_samples, error):
    with pytest.raises(error, match="n_samples must be an integer"):
        draw_rows(7, n_samples, np.random.RandomState(0))


def test_file_given_by_path_is_not_verified(tmp_path):
    file = tmp_path / "part.bin"
    file.write_bytes(b"a part of it")
    assert read(path=file) == b"a part of it"


@pytest.mark.parametrize("place", ["path", "MIBSK_DATA", "cache"])
def test_copies_of_the_published_file_are_verified(tmp_path, monkeypatch, place):
    monkeypatch.delenv("MIBSK_DATA", raising=False)
    file = tmp_path / ("file.bin" if place == "cache" else FILE.local)
    file.parent.mkdir(exist_ok=True)
    if place == "MIBSK_DATA":
        monkeypatch.setenv("MIBSK_DATA", str(tmp_path))
    places = {"path": {"path": tmp_path}, "cache": {"data_home": tmp_path}}.get(place, {})
    file.write_bytes(CONTENT)
    assert read(**places) == CONTENT
    file.write_bytes(CONTENT[:-1])
    with pytest.raises(OSError, match=r"file\.bin is damaged or another version: its md5 is"):
        read(**places)


def test_no_file_at_path(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"path must be a copy of file\.bin, or a folder"):
        read(path=tmp_path / "nowhere.bin")
    with pytest.raises(FileNotFoundError, match="a folder that holds"):
        read(path=tmp_path)
