"""Spoken digits: the archive reader, the places of archives, and the real recordings."""

import io
import shutil
import subprocess
import wave
import zipfile

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mibsk.data import ClassPairs
from mibsk.datasets import _spoken_digits, fetch_spoken_digits
from mibsk.datasets._data_file import DataFileError
from mibsk.datasets._recordings_archive import read_recordings

ENTRIES = {"1_ann_10.wav": 300, "1_ann_2.wav": 40, "0_bob_0.wav": 9000, "0_ann_1.wav": 1200}


def wav(n_samples, *, channels=1, width=2, rate=8000):
    """Return the bytes of a wav file that counts up from zero."""
    content = io.BytesIO()
    with wave.open(content, "wb") as recording:
        recording.setparams((channels, width, rate, 0, "NONE", ""))
        recording.writeframes(np.arange(n_samples, dtype="<i2").tobytes())
    return content.getvalue()


def write_zip(file, members):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


@pytest.fixture
def tiny(tmp_path):
    """Archive of four recordings in the layout of a repository."""
    members = {f"fsdd-26eb9aa/recordings/{name}": wav(n) for name, n in ENTRIES.items()}
    members["fsdd-26eb9aa/README.md"] = b"not a recording"
    return write_zip(tmp_path / "tiny.zip", members)


@pytest.fixture
def accept_tiny(tiny, monkeypatch):
    """Make the tiny archive the expected one, and the only one that is found."""
    monkeypatch.setattr(_spoken_digits, "CHECKSUM", read_recordings(tiny).checksum)
    monkeypatch.delenv("MIBSK_DATA", raising=False)
    return tiny


def test_reader_sorts_by_digit_speaker_and_index(tiny):
    recordings = read_recordings(tiny)
    assert recordings.digits.tolist() == [0, 0, 1, 1]
    assert recordings.speakers.tolist() == ["ann", "bob", "ann", "ann"]
    assert [len(samples) for samples in recordings.waves] == [1200, 9000, 40, 300]
    np.testing.assert_array_equal(recordings.waves[0], np.arange(1200))


def test_layout_does_not_change_the_checksum_but_content_does(tiny, tmp_path):
    flat = write_zip(tmp_path / "flat.zip", {name: wav(n) for name, n in ENTRIES.items()})
    assert read_recordings(flat).checksum == read_recordings(tiny).checksum
    changed = {name: wav(n + (name == "0_bob_0.wav")) for name, n in ENTRIES.items()}
    other = write_zip(tmp_path / "other.zip", changed)
    assert read_recordings(other).checksum != read_recordings(tiny).checksum


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_checksum_is_that_of_sha256sum(tiny, tmp_path):
    for name, n_samples in ENTRIES.items():
        (tmp_path / name).write_bytes(wav(n_samples))
    command = "LC_ALL=C sha256sum *.wav | sha256sum"
    out = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=True)
    assert out.stdout.decode().split()[0] == read_recordings(tiny).checksum


def test_nothing_is_written_where_the_archive_says(tmp_path):
    folder = tmp_path / "inner"
    folder.mkdir()
    file = write_zip(folder / "evil.zip", {"../../0_ann_0.wav": wav(10), "/0_ann_1.wav": wav(10)})
    assert len(read_recordings(file).waves) == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["inner", "evil.zip"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"README.md": b"text"}, "holds no recordings"),
        ({"0_ann_0.wav": b"RIFF"}, "0_ann_0.wav, which is not a wav file"),
        ({"0_ann_0.wav": b"not a wav at all"}, "0_ann_0.wav, which is not a wav file"),
        ({"0_ann_0.wav": wav(10, rate=44_100)}, "0_ann_0.wav with .* 44100 Hz"),
        ({"0_ann_0.wav": wav(10, channels=2)}, "0_ann_0.wav with 2 channel"),
        ({"a/0_ann_0.wav": wav(10), "b/0_ann_0.wav": wav(10)}, "two recordings named 0_ann_0.wav"),
        ({"0_ann_0.wav": bytes(2**20 + 1)}, "0_ann_0.wav with 1048577 bytes"),
    ],
)
def test_reader_refuses(tmp_path, members, message):
    with pytest.raises(DataFileError, match=message):
        read_recordings(write_zip(tmp_path / "bad.zip", members))


def test_truncated_and_damaged_archives(tiny, tmp_path):
    content = tiny.read_bytes()
    damaged = bytearray(content)
    damaged[100:140] = bytes(40)
    for bad in (content[: len(content) // 2], bytes(damaged), b""):
        file = tmp_path / "bad.zip"
        file.write_bytes(bad)
        with pytest.raises(DataFileError, match="damaged or not a zip archive"):
            read_recordings(file)


def test_tiny_archive_through_the_whole_loader(accept_tiny):
    bunch = fetch_spoken_digits(path=accept_tiny, n_mels=10, n_frames=20, random_state=0)
    assert bunch.data["audio"].shape == (4, 10, 20)
    assert bunch.data["audio"].dtype == np.float32
    assert bunch.labels["audio"]["speaker"].tolist() == ["ann", "bob", "ann", "ann"]
    # the recording of 40 samples is in the first frame; all others are silent
    assert bunch.data["audio"][2, :, 1:].max() == 0
    assert bunch.data["audio"][1, :, -1].max() > 0  # the long one is cut, not squeezed


def test_error_for_wrong_recordings_names_the_file(tiny):
    with pytest.raises(OSError, match=r"tiny\.zip does not hold the 3,000 recordings.*Leave path"):
        fetch_spoken_digits(path=tiny)


def test_no_file_at_path(tmp_path):
    for path in (tmp_path, tmp_path / "other.zip"):
        with pytest.raises(FileNotFoundError, match="that holds free-spoken-digits/recordings"):
            fetch_spoken_digits(path=path)


def test_no_copy_and_no_download(tmp_path, monkeypatch):
    monkeypatch.delenv("MIBSK_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="download=False: allow the download"):
        fetch_spoken_digits(data_home=tmp_path, download=False)


def test_download_fills_the_cache_once(accept_tiny, tmp_path, serve):
    asked = serve(accept_tiny.read_bytes())
    home = tmp_path / "new" / "cache"
    first = fetch_spoken_digits(data_home=home)
    second = fetch_spoken_digits(data_home=home, download=False)
    np.testing.assert_array_equal(first.data["audio"], second.data["audio"])
    assert asked == [_spoken_digits.RECORDINGS.url]
    assert [file.name for file in home.iterdir()] == ["free-spoken-digits-26eb9aa.zip"]


def test_environment_comes_before_the_cache(accept_tiny, tmp_path, monkeypatch, serve):
    asked = serve(b"")
    local = tmp_path / "free-spoken-digits" / "recordings.zip"
    local.parent.mkdir()
    shutil.copy(accept_tiny, local)
    monkeypatch.setenv("MIBSK_DATA", str(tmp_path))
    assert len(fetch_spoken_digits(data_home=tmp_path / "cache").data) == 4
    assert asked == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>try later</html>", "the download of https.* is damaged.*Call again"),
        (ConnectionError("no route"), r"could not download https.*no route.*give its path"),
    ],
    ids=["no archive", "no connection"],
)
def test_failed_download_leaves_nothing(accept_tiny, tmp_path, serve, content, message):
    serve(content)
    home = tmp_path / "cache"
    with pytest.raises(OSError, match=message):
        fetch_spoken_digits(data_home=home)
    assert list(home.iterdir()) == []


def test_interrupted_download_leaves_nothing(accept_tiny, tmp_path, serve):
    serve(KeyboardInterrupt())
    home = tmp_path / "cache"
    with pytest.raises(KeyboardInterrupt):
        fetch_spoken_digits(data_home=home)
    assert list(home.iterdir()) == []


def test_download_of_other_recordings_is_not_kept(tiny, tmp_path, serve):
    serve(tiny.read_bytes())
    home = tmp_path / "cache"
    with pytest.raises(OSError, match="expected 1801eae0"):
        fetch_spoken_digits(data_home=home)
    assert list(home.iterdir()) == []


def test_error_for_a_damaged_cache_names_file_and_remedy(tmp_path, monkeypatch):
    monkeypatch.delenv("MIBSK_DATA", raising=False)
    (tmp_path / "free-spoken-digits-26eb9aa.zip").write_bytes(b"half")
    with pytest.raises(OSError, match=r"free-spoken-digits-26eb9aa\.zip is damaged.*Delete it"):
        fetch_spoken_digits(data_home=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_mels": 0}, ValueError, "n_mels must be"),
        ({"n_frames": 2.0}, TypeError, "n_frames must be an integer"),
        ({"n_mels": 500}, ValueError, "use a smaller n_mels"),
    ],
)
def test_bad_arguments_fail_before_any_file_is_read(arguments, error, message):
    with pytest.raises(error, match=message):
        fetch_spoken_digits(path="nowhere", **arguments)


@pytest.fixture(scope="module")
def spoken(shared_data):
    return fetch_spoken_digits(path=shared_data, random_state=0)


def test_fields(spoken):
    assert set(spoken) == {"data", "labels", "shared", "nuisances", "DESCR"}
    assert isinstance(spoken.data, ClassPairs)
    assert (spoken.shared, spoken.nuisances) == (["digit"], ["speaker"])
    assert len(spoken.data) == 3000
    assert spoken.data["audio"].shape == (3000, 40, 64)
    assert spoken.data["image"].shape == (1797, 8, 8)
    assert "Pairing: by class" in spoken.DESCR


def test_labels_are_those_of_the_rows(spoken):
    audio, digits = spoken.labels["audio"], load_digits()
    assert (audio.groupby(["digit", "speaker"]).size() == 50).all()
    assert audio["speaker"].nunique() == 6
    np.testing.assert_array_equal(spoken.data.labels, audio["digit"])
    np.testing.assert_array_equal(spoken.labels["image"]["digit"], digits.target)
    np.testing.assert_array_equal(spoken.data["image"] * 16, digits.images)


def test_spectrograms_identify_digit_and_speaker(spoken):
    audio = spoken.data["audio"]
    assert np.isfinite(audio).all()
    assert audio.min() == 0
    held_out = np.arange(3000) % 50 < 5  # rows are sorted by index within digit and speaker
    features = audio[:, ::2, ::4].reshape(3000, -1)
    distance = -2 * features[held_out] @ features[~held_out].T + (features[~held_out] ** 2).sum(1)
    nearest = spoken.labels["audio"][~held_out].iloc[distance.argmin(axis=1)]
    known = spoken.labels["audio"][held_out]
    for factor in ("digit", "speaker"):
        assert (nearest[factor].to_numpy() == known[factor].to_numpy()).mean() > 0.8
