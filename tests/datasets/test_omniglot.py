"""Omniglot: the loader on small archives in the true format, and on the real ones."""

import hashlib
import struct
import zipfile
import zlib
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mibsk.data import Modalities
from mibsk.datasets import _omniglot, fetch_omniglot, split_bunch

LINE = b"START\n10,-20,0\n90,-20,%d\nBREAK\n"
LINES = b"START\n" + b"10,-20,0\n90,-20,400\nBREAK\n" * 6
FIRST = "strokes_background_small1/Balinese/character01/0108_01.txt"


def png(ink):
    """Return a PNG file of a drawing, one bit per pixel, 1 for paper."""
    rows = np.insert(np.packbits(1 - ink, axis=1), 0, 0, axis=1)
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", 105, 105, 1, 0, 0, 0, 0),
        b"IDAT": zlib.compress(rows.astype(np.uint8).tobytes()),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + bytes(4)
        for kind, content in chunks.items()
    )


def members(kind, alphabet, number, n_drawers):
    """Return the files of one character, and other members as in the real archives."""
    folder, suffix = f"{kind}_background/{alphabet}", "png" if kind == "images" else "txt"
    ink = np.zeros((105, 105), dtype=int)
    ink[20, 10:90] = 1
    contents = {"images": lambda i: png(ink), "strokes": lambda i: LINE % (500 * i)}
    files = {
        f"{folder}/character{number:02}/01{number:02}_{i:02}.{suffix}": contents[kind](i)
        for i in range(1, n_drawers + 1)
    }
    return {f"{folder}/": b"", f"__MACOSX/{folder}/character01/._0101_01.{suffix}": b"", **files}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Folder with archives in the true format, whose checksums are the expected ones."""
    folder = tmp_path / "omniglot"
    folder.mkdir()
    for kind in ("images", "strokes"):
        sets = [
            members(kind, "Greek", 1, 3) | members(kind, "Balinese", 2, 3),
            members(kind, "Greek", 1, 3) | members(kind, "Greek", 2, 2),
        ]
        if kind == "strokes":
            sets[0]["strokes_background/Balinese/character02/0102_03.txt"] = LINES
        for i, files in enumerate(sets, start=1):
            name = f"{kind}_background_small{i}.zip"
            with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, content in files.items():
                    archive.writestr(member, content)
            checksum = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            monkeypatch.setitem(_omniglot.CHECKSUMS, name, checksum)
    return tmp_path


def test_loader_on_tiny_archives(tiny):
    characters = fetch_omniglot(tiny)
    labels = characters.labels["strokes"]
    assert labels["alphabet"].tolist() == ["Balinese"] * 3 + ["Greek"] * 5
    assert labels["character"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert labels["drawer"].tolist() == [0, 1, 2, 3, 4, 5, 3, 4]
    assert labels["n_strokes"].tolist() == [1, 1, 4, 1, 1, 1, 1, 1]  # six are four or more
    seconds = np.expm1(characters.data["strokes"][:, 2].max(axis=1))
    np.testing.assert_allclose(seconds, [0.5, 1, 0.4, 0.5, 1, 1.5, 0.5, 1], rtol=1e-6)
    x, y, _, starts = characters.data["strokes"][0]
    np.testing.assert_allclose(x, np.linspace(10, 90, 64) / 105, rtol=1e-6)
    np.testing.assert_allclose(y, 20 / 105, rtol=1e-6)
    assert starts.sum() == 1
    rows = characters.data["image"][0].sum(axis=1)
    assert rows.argmax() == 20 * 28 // 105


def test_other_bytes_are_refused(tiny):
    file = tiny / "omniglot" / "strokes_background_small2.zip"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(OSError, match=r"small2\.zip is damaged.*expected .*Leave path out"):
        fetch_omniglot(tiny)


def test_error_names_the_missing_archive(tiny):
    (tiny / "omniglot" / "images_background_small2.zip").unlink()
    with pytest.raises(FileNotFoundError, match="holds omniglot/images_background_small2"):
        fetch_omniglot(tiny)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"image_size": 7}, ValueError, "image_size must be an integer >= 8"),
        ({"image_size": 106}, ValueError, "image_size must be an integer >= 8 and < 106"),
        ({"n_steps": 57}, ValueError, "n_steps must be an integer >= 58"),
        ({"n_steps": 64.0}, TypeError, "n_steps must be an integer"),
    ],
)
def test_bad_arguments_fail_before_any_file_is_read(arguments, error, message):
    with pytest.raises(error, match=message):
        fetch_omniglot("nowhere", **arguments)


@pytest.fixture(scope="module")
def omniglot(shared_data):
    return fetch_omniglot(shared_data)


@pytest.fixture(scope="module")
def finer(shared_data):
    return fetch_omniglot(shared_data / "omniglot", image_size=56, n_steps=256)


def test_fields(omniglot):
    assert set(omniglot) == {"data", "labels", "shared", "nuisances", "DESCR"}
    assert isinstance(omniglot.data, Modalities)
    assert omniglot.data["image"].shape == (4840, 28, 28)
    assert omniglot.data["image"].dtype == np.uint8
    assert omniglot.data["strokes"].shape == (4840, 4, 64)
    assert omniglot.data["strokes"].dtype == np.float32
    assert np.isfinite(omniglot.data["strokes"]).all()
    assert "Pairing: by instance" in omniglot.DESCR
    for name, table in omniglot.labels.items():
        known = [*omniglot.shared, *(omniglot.nuisances if name == "strokes" else [])]
        assert list(table) == known


def test_each_character_was_drawn_once_by_each_drawer_of_its_alphabet(omniglot):
    labels = omniglot.labels["strokes"]
    assert labels.nunique()[omniglot.shared].tolist() == [242, 8, 160]
    assert (labels.groupby("character")["drawer"].nunique() == 20).all()
    assert (labels.groupby("alphabet")["drawer"].nunique() == 20).all()
    assert not labels.duplicated(omniglot.shared).any()
    characters = labels.groupby("alphabet")["character"].nunique()
    assert characters.tolist() == [24, 22, 24, 47, 40, 26, 42, 17]
    assert omniglot.labels["image"].equals(labels[omniglot.shared])


def test_nuisances_are_balanced_and_those_of_the_strokes(omniglot):
    labels, strokes = omniglot.labels["strokes"], omniglot.data["strokes"]
    assert labels["duration"].value_counts().between(604, 606).all()
    seconds = np.expm1(strokes[:, 2].max(axis=1))
    by_class = [seconds[labels["duration"] == k] for k in range(8)]
    assert all(a.max() <= b.min() + 1e-4 for a, b in pairwise(by_class))
    np.testing.assert_array_equal(np.minimum(strokes[:, 3].sum(axis=1), 4), labels["n_strokes"])
    assert strokes[:, 3].sum(axis=1).max() == 29  # what the smallest n_steps comes from


def test_one_drawing_by_hand(omniglot, shared_data):
    x, y, time, starts = omniglot.data["strokes"][0]
    assert omniglot.labels["strokes"].iloc[0].tolist() == [0, "Balinese", 0, 2, 1]
    np.testing.assert_allclose(np.expm1(time[[0, -1]]), [0, 3.033], rtol=1e-6)
    np.testing.assert_allclose(105 * x[[0, -1]], [18.954528, 78.649074], rtol=1e-6)
    np.testing.assert_allclose(105 * y[[0, -1]], [43.534334, 61.599788], rtol=1e-6)
    assert starts.tolist() == [1] + [0] * 63
    with zipfile.ZipFile(shared_data / "omniglot" / "strokes_background_small1.zip") as archive:
        lines = archive.read(FIRST).decode().split()
    points = np.array([line.split(",") for line in lines if "," in line], dtype=float)
    assert lines.count("BREAK") == 1
    # resampled: no point is farther from the path than half the gap between its points
    distance = np.hypot(*(points[:, None, :2] * (1, -1) - 105 * np.stack([x, y], axis=1)).T)
    assert distance.min(axis=1).max() < 1.5


def standardised(images):
    """Return blurred images as rows of mean 0 and norm 1."""
    rows = gaussian_filter(images.astype(float), (0, 1, 1)).reshape(len(images), -1)
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_image_and_strokes_show_the_same_drawing(finer):
    rows = np.random.default_rng(0).choice(4840, size=400, replace=False)
    column, row = np.clip(56 * finer.data["strokes"][rows, :2].swapaxes(0, 1), 0, 55).astype(int)
    drawn = np.zeros((400, 56, 56))
    drawn[np.arange(400)[:, None], row, column] = 1
    correlation = standardised(drawn) @ standardised(finer.data["image"][rows]).T
    assert np.diag(correlation).mean() > 0.9
    assert correlation[~np.eye(400, dtype=bool)].mean() < 0.25
    assert (correlation.argmax(axis=1) == np.arange(400)).mean() > 0.99


def test_settings_change_resolution_only(omniglot, finer):
    halved = finer.data["image"].reshape(-1, 28, 2, 28, 2).mean(axis=(2, 4))
    assert np.abs(halved - omniglot.data["image"]).max() <= 1  # rounded twice
    assert finer.data["strokes"].shape == (4840, 4, 256)
    for channel in (2, 3):
        coarse = omniglot.data["strokes"][:, channel]
        fine = finer.data["strokes"][:, channel]
        reduce = np.max if channel == 2 else np.sum
        np.testing.assert_array_equal(reduce(fine, axis=1), reduce(coarse, axis=1))
    assert finer.labels["strokes"].equals(omniglot.labels["strokes"])


def test_split_shares_no_drawing(omniglot):
    train, test = split_bunch(omniglot, random_state=0)
    assert (len(train.data), len(test.data)) == (3630, 1210)
    # every class of the test rows has training rows
    for name in ("character", "drawer", "duration", "n_strokes"):
        assert set(test.labels["strokes"][name]) <= set(train.labels["strokes"][name])
