"""Files are written whole or not at all."""

import os
from pathlib import Path

import pytest

from mibsk.files.whole_files import check_can_write, remove_unfinished, replace_file


def test_an_earlier_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new" / "m.json"
    replace_file(path, [b"o", b"ne"])
    replace_file(path, [b"two"])
    assert path.read_bytes() == b"two"

    def fail(*paths):
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        replace_file(path, [b"three"])
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["m.json"]


def test_places_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for path, message in {
        tmp_path: "is a folder",
        tmp_path / "file" / "m.json": "cannot be written",
        tmp_path / ("x" * 300): "cannot be written",
    }.items():
        with pytest.raises(ValueError, match=message):
            check_can_write(path)
    check_can_write(tmp_path / "m.json")
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user may write anywhere")
    with pytest.raises(ValueError, match=r"cannot be written \(Permission denied\)"):
        check_can_write(tmp_path / "m.json")


@pytest.mark.parametrize("name", ["a" * 255, "é" * 120 + ".parquet"])
def test_long_names(tmp_path, name):
    path = tmp_path / name
    check_can_write(path)

    def killed():
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(path, killed())
    assert list(tmp_path.iterdir()) == []
    replace_file(path, [b"whole"])
    assert path.read_bytes() == b"whole"


@pytest.mark.parametrize("name", ["a[1].npy", "a" * 255])
def test_only_what_is_left_of_one_file_is_removed(tmp_path, monkeypatch, name):
    for each in (name, "other"):
        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", lambda *args, **kwargs: None)  # killed before
            with pytest.raises(TypeError):
                replace_file(tmp_path / each, [b"half", "text"])
    assert len(list(tmp_path.iterdir())) == 2
    remove_unfinished(tmp_path / name)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".other.")
