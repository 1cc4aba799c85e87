"""Arrays in files: whole or absent, and checked when they are read."""

import numpy as np
import pytest

from mibsk.exceptions import TornFileError
from mibsk.files.array_file import read_array, write_array

ROWS = np.arange(60, dtype=np.float32).reshape(20, 3)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "new" / "rows"
    write_array(path, np.array_split(ROWS, 3))
    return path


def test_rows_come_back_as_a_memory_map(path):
    found = read_array(path, (20, 3))
    assert isinstance(found, np.memmap)
    assert not found.flags.writeable
    np.testing.assert_array_equal(found, ROWS)
    assert [p.name for p in path.parent.iterdir()] == ["rows"]


def test_no_file(tmp_path):
    assert read_array(tmp_path / "rows", (20, 3)) is None


@pytest.mark.parametrize("position", [0, 100, 239, 240, 271])
def test_a_changed_byte_is_found(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(TornFileError, match="has changed since it was written: delete it"):
        read_array(path, (20, 3))


@pytest.mark.parametrize("n_bytes", [0, 239, 271, 273])
def test_another_length_is_found(path, n_bytes):
    path.write_bytes((path.read_bytes() + b"?")[:n_bytes])
    with pytest.raises(TornFileError, match=f"has {n_bytes} bytes, expected 272: delete it"):
        read_array(path, (20, 3))


def test_rows_that_cannot_be_computed_leave_no_file(path):
    def failing():
        yield ROWS[:1]
        raise ValueError("no more")

    before = path.read_bytes()
    with pytest.raises(ValueError, match="no more"):
        write_array(path, failing())
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="no more"):
        write_array(path.with_name("other"), failing())
    assert [p.name for p in path.parent.iterdir()] == ["rows"]
