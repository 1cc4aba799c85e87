"""Files are written whole or not at all."""

import os

import pytest

from mibsk.files.whole_files import check_can_write, replace_file


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
