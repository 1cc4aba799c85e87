"""Rows of a mapped file, read from the file: the same values, and no pages left in memory."""

import copy
import os
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.files import memory_map as _memory_map
from mibsk.files.memory_map import FileRows, file_rows, read_chunks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems keep their maps")

BASE = np.random.default_rng(0).normal(size=(40, 6))


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(_memory_map, "_SMALLEST_FILE", 1)


@pytest.fixture
def make(tmp_path):
    def make(values=BASE, mode="r", offset=0):
        path = tmp_path / "a file\r (deleted)  of rows"  # a name that is hard to parse
        path.write_bytes(b"\0" * offset + values.tobytes())
        return np.memmap(path, values.dtype, mode, shape=values.shape, offset=offset)

    return make


VIEWS = {
    "all": lambda X: X,
    "some rows": lambda X: X[7:],
    "every third row": lambda X: X[1::3],
    "backwards": lambda X: X[::-1],
    "some columns": lambda X: X[:, 2:4],
    "one column": lambda X: X[:, 3],
    "reshaped": lambda X: X.reshape(40, 2, 3),
    "as an array": np.asarray,
    "of other bytes": lambda X: X.view(np.uint8),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("offset", [0, 24, 5000])
def test_views_read_alike(make, view, offset):
    X = view(make(offset=offset))
    rows = file_rows(X)
    assert isinstance(rows, FileRows)
    assert len(rows) == len(X)
    for chosen in (slice(None), slice(3, 9), slice(30, 99), slice(9, 3), slice(8, 0, -2)):
        np.testing.assert_array_equal(rows[chosen], X[chosen])
        assert rows[chosen].dtype == X.dtype
    chosen = np.array([5, 0, 5, len(X) - 1])
    np.testing.assert_array_equal(rows[chosen], X[chosen])
    assert rows[chosen[:0]].shape == X[:0].shape


@pytest.mark.parametrize("dtype", [">f4", "<f8", "u1", "?", "f2", "g", "U3"])
def test_any_type(make, dtype):
    values = (BASE > 0).astype(dtype)
    rows = file_rows(make(values))[slice(3, 7)]
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows, values[3:7])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 50))
def test_chunks_are_all_rows_in_order(tmp_path_factory, n_rows):
    path = tmp_path_factory.mktemp("rows") / "X"
    BASE.tofile(path)
    for X in (np.memmap(path, BASE.dtype, "r", shape=BASE.shape), BASE):
        starts, chunks = zip(*read_chunks(X, n_rows), strict=True)
        np.testing.assert_array_equal(np.concatenate(chunks), BASE)
        assert list(starts) == list(range(0, 40, n_rows))
        assert all(type(chunk) is np.ndarray for chunk in chunks)


def test_reads_what_was_written_through_the_map(make):
    X = make(mode="r+")
    rows = file_rows(X)
    X[5] = -1.0
    assert (rows[np.array([5])] == -1).all()


def test_what_is_read_can_be_changed_and_the_file_stays(make):
    X = make()
    rows = file_rows(X)
    rows[slice(None)][:] = 0
    np.testing.assert_array_equal(X, BASE)


@pytest.mark.parametrize("row", [-1, 40])
def test_no_row_beside_the_map(make, row):
    with pytest.raises(IndexError, match=r"in 0\.\.39, got"):
        file_rows(make())[np.array([3, row])]


def test_a_file_that_shrinks_raises(make, tmp_path):
    rows = file_rows(make())
    (path,) = tmp_path.iterdir()
    os.truncate(path, 100)
    with pytest.raises(OSError, match="shorter since it was mapped"):
        rows[np.array([30])]


class TestLeftAsTheyAre:
    def test_arrays_in_memory(self, make):
        for X in (BASE, BASE[::2], make().astype(np.float32), make()[[1, 2]], make() + 1):
            assert file_rows(X) is X

    def test_changes_of_a_copy_on_write_map(self, make):
        X = make(mode="c")
        X[3] = 7.0
        assert file_rows(X) is X
        (_, chunk), *_ = read_chunks(X, 40)
        assert (chunk[3] == 7).all()

    def test_rows_with_gaps(self, make):
        for X in (make().reshape(6, 40).T, make()[:, ::2]):
            assert file_rows(X) is X

    def test_a_file_that_is_gone_or_another_one(self, make, tmp_path):
        X = make()
        (path,) = tmp_path.iterdir()
        path.rename(tmp_path / "other")
        path.write_bytes((BASE + 1).tobytes())
        assert isinstance(file_rows(X), FileRows)  # the system knows its new name
        np.testing.assert_array_equal(file_rows(X)[slice(None)], BASE)
        (tmp_path / "other").unlink()
        assert file_rows(X) is X
        np.testing.assert_array_equal(X, BASE)

    def test_a_file_whose_name_another_one_took(self, make, tmp_path):
        X = make()
        (path,) = tmp_path.iterdir()
        (tmp_path / "new").write_bytes((BASE + 1).tobytes())
        os.replace(tmp_path / "new", path)
        assert file_rows(X) is X
        # the system writes this behind the name of a deleted file, but here it is part of a name
        path.with_name(f"{path.name} (deleted)").write_bytes((BASE + 1).tobytes())
        assert file_rows(X) is X

    def test_small_maps(self, make, monkeypatch):
        X = make()
        monkeypatch.setattr(_memory_map, "_SMALLEST_FILE", X.nbytes + 1)
        assert file_rows(X) is X

    def test_where_the_system_does_not_name_the_file(self, make, monkeypatch):
        X = make()
        monkeypatch.setattr(_memory_map, "_MAPPINGS", "/nowhere")
        assert file_rows(X) is X


def open_files():
    return len(os.listdir("/proc/self/fd"))


def test_the_file_is_closed_with_the_rows(make):
    X = make()
    before = open_files()
    rows = file_rows(X)
    assert open_files() == before + 1
    del rows
    assert open_files() == before
    list(read_chunks(X, 10))
    assert open_files() == before


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda rows: pickle.loads(pickle.dumps(rows))])
def test_copies_hold_the_same_rows(make, copied):
    rows = file_rows(make())
    np.testing.assert_array_equal(copied(rows)[slice(None)], BASE)


def resident_bytes_of_files():
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"RssFile:\s+(\d+) kB", status)[1])


def test_reading_leaves_no_pages_in_memory(tmp_path):
    n_bytes = 2**26
    (tmp_path / "X").write_bytes(bytes(n_bytes))
    X = np.memmap(tmp_path / "X", np.uint8, "r", shape=(2**14, 2**12))
    rows, before = file_rows(X), resident_bytes_of_files()
    for _, chunk in read_chunks(X, 256):
        assert not chunk.any()
    rows[np.random.default_rng(0).permutation(len(X))[:2000]]
    assert resident_bytes_of_files() - before < n_bytes / 16
    assert not np.asarray(X).any()
    assert resident_bytes_of_files() - before > n_bytes / 2
