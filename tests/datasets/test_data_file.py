"""Places of dataset files, and the errors if a file is not the expected one."""

from pathlib import Path, PurePosixPath

import pytest

from mibsk.datasets._data_file import DataFile, read_data_file

SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2
FILE = DataFile(
    "https://example.org/a.csv",
    PurePosixPath("set", "a.csv"),
    "set-a.csv",
    checksum=f"sha256:{SHA256_OF_ABC}",
)


@pytest.fixture(autouse=True)
def no_local_data(monkeypatch):
    monkeypatch.delenv("MIBSK_DATA", raising=False)


def find(path=None, *, data_home, download=True):
    return read_data_file(FILE, Path.read_bytes, path=path, data_home=data_home, download=download)


def write(file, content=b"abc"):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def test_files_that_are_not_published_must_be_given(tmp_path, monkeypatch, serve):
    asked = serve(b"abc")
    file = FILE._replace(url=None)

    def find(path=None):
        return read_data_file(file, Path.read_bytes, path=path, data_home=tmp_path, download=True)

    with pytest.raises(
        FileNotFoundError, match=r"no file set/a\.csv, which cannot be downloaded: give"
    ):
        find()
    write(tmp_path / "set" / "a.csv")
    monkeypatch.setenv("MIBSK_DATA", str(tmp_path))
    assert find() == find(tmp_path) == b"abc"
    write(tmp_path / "set" / "a.csv", b"other")
    with pytest.raises(OSError, match=r"a\.csv is damaged.*Replace it by an intact copy"):
        find()
    assert asked == []


def test_download_fills_the_cache_once(tmp_path, serve):
    asked = serve(b"abc")
    home = tmp_path / "new" / "cache"
    assert find(data_home=home) == b"abc"
    assert find(data_home=home, download=False) == b"abc"
    assert asked == [FILE.url]
    assert [file.name for file in home.iterdir()] == ["set-a.csv"]


@pytest.mark.parametrize("place", ["set/a.csv", "a.csv"])
def test_path_comes_first(tmp_path, monkeypatch, serve, place):
    asked = serve(b"")
    write(tmp_path / "mine" / place)
    write(tmp_path / "local" / "set" / "a.csv", b"other")
    write(tmp_path / "set-a.csv", b"other")
    monkeypatch.setenv("MIBSK_DATA", str(tmp_path / "local"))
    assert find(tmp_path / "mine", data_home=tmp_path) == b"abc"
    assert asked == []


def test_environment_comes_before_the_cache(tmp_path, monkeypatch):
    write(tmp_path / "local" / "set" / "a.csv")
    write(tmp_path / "set-a.csv", b"other")
    monkeypatch.setenv("MIBSK_DATA", str(tmp_path / "local"))
    assert find(data_home=tmp_path) == b"abc"


def test_folder_of_the_environment_may_lack_the_file(tmp_path, monkeypatch):
    write(tmp_path / "set-a.csv")
    monkeypatch.setenv("MIBSK_DATA", str(tmp_path / "local"))
    assert find(data_home=tmp_path, download=False) == b"abc"


def test_no_file_at_path(tmp_path):
    write(tmp_path / "set-a.csv")  # in the cache, which is not searched
    with pytest.raises(FileNotFoundError, match=r"path must be a folder that holds set/a\.csv"):
        find(tmp_path / "mine", data_home=tmp_path)


def test_no_copy_and_no_download(tmp_path):
    with pytest.raises(FileNotFoundError, match="download=False: allow the download"):
        find(data_home=tmp_path, download=False)


@pytest.mark.parametrize(
    ("place", "remedy"),
    [
        ("mine", "Leave path out"),
        ("local", "Replace or remove it"),
        ("cache", "Delete it and call again"),
    ],
)
def test_error_for_a_damaged_file_names_file_checksum_and_remedy(
    tmp_path, monkeypatch, place, remedy
):
    write(tmp_path / place / ("set-a.csv" if place == "cache" else "set/a.csv"), b"ab")
    monkeypatch.setenv("MIBSK_DATA", str(tmp_path / "local"))
    with pytest.raises(OSError, match=rf"a\.csv is damaged.*expected {SHA256_OF_ABC}\. {remedy}"):
        find(tmp_path / place if place == "mine" else None, data_home=tmp_path / "cache")


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"<html>try later</html>", OSError, "the download of https.* is damaged.*Call again"),
        (ConnectionError("no route"), OSError, r"could not download https.*no route.*its path"),
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
    ],
    ids=["other bytes", "no connection", "interrupted"],
)
def test_failed_download_leaves_nothing(tmp_path, serve, content, error, message):
    serve(content)
    home = tmp_path / "cache"
    with pytest.raises(error, match=message):
        find(data_home=home)
    assert list(home.iterdir()) == []
