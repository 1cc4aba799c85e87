"""Open Clip Art: the reader on a small folder in the true format, and on the real one."""

import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from mibsk.datasets import _openclipart, fetch_openclipart, one_per_picture, split_bunch

ENTRIES = [
    {
        "image": "00000.jpg",
        "captions": ["Frog", "A green frog", "frog, green"],
        "title": "Frog",
        "description": "A green frog",
        "keywords": ["frog", "green"],
        "category": "animals",
        "creator": 0,
    },
    {
        "image": "00001.jpg",
        "captions": ["Toad", "toad"],
        "title": "Toad",
        "description": "",
        "keywords": ["toad"],
        "category": "animals",
        "creator": 0,
    },
    {
        "image": "00002.jpg",
        "captions": ["Pane", "Bread"],
        "title": "Pane",
        "description": "Bread",
        "keywords": [],
        "category": "food",
        "creator": 3,
    },
]
COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def expect_images(monkeypatch, folder):
    lines = "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(folder.iterdir())
    )
    checksum = hashlib.sha256(lines.encode()).hexdigest()
    monkeypatch.setattr(_openclipart, "IMAGES_CHECKSUM", checksum)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Folder with three drawings, whose checksums are the expected ones."""
    monkeypatch.delenv("MIBSK_DATA", raising=False)
    folder = tmp_path / "openclipart"
    (folder / "images").mkdir(parents=True)
    for entry, color in zip(ENTRIES, COLORS, strict=True):
        Image.new("RGB", (32, 16), color).save(folder / "images" / entry["image"], quality=95)
    expect_images(monkeypatch, folder / "images")
    features = io.BytesIO()
    np.savez(
        features,
        image_pooled=np.arange(3, dtype=np.float16)[:, None],
        map_pca64=np.arange(3, dtype=np.float16)[:, None, None, None] * np.ones((1, 7, 7, 2)),
        caption_emb=np.arange(7, dtype=np.float16)[:, None],
    )
    for name, file, content in (
        ("CAPTIONS", "captions.json", json.dumps(ENTRIES).encode()),
        ("FEATURES", "features.npz", features.getvalue()),
    ):
        (folder / file).write_bytes(content)
        checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
        monkeypatch.setattr(
            _openclipart, name, getattr(_openclipart, name)._replace(checksum=checksum)
        )
    return tmp_path


def test_reader_by_hand(tiny):
    names = ["image", "text", "image_features", "image_map", "text_features"]
    drawings = fetch_openclipart(tiny, modalities=names, image_size=8)
    assert drawings.data["text"].tolist() == [
        "Frog",
        "A green frog",
        "frog, green",
        "Toad",
        "toad",
        "Pane",
        "Bread",
    ]
    picture = [0, 0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(drawings.picture, picture)
    np.testing.assert_array_equal(drawings.groups, [0, 0, 0, 0, 0, 1, 1])
    assert drawings.labels["text"]["kind"].tolist() == [
        "title",
        "description",
        "keywords",
        "title",
        "keywords",
        "title",
        "description",
    ]
    assert drawings.labels["image"]["creator"].tolist() == [0] * 5 + [3] * 2
    assert drawings.data["image"].shape == (7, 8, 8, 3)
    assert (drawings.data["image"][:, [0, 1, 6, 7]] > 250).all()  # white above and below
    middle = np.array(COLORS)[picture][:, None, None] + np.zeros((1, 2, 8, 1))
    np.testing.assert_allclose(drawings.data["image"][:, 3:5].astype(int), middle, atol=3)
    np.testing.assert_array_equal(drawings.data["image_features"][:, 0], picture)
    np.testing.assert_array_equal(drawings.data["image_map"][:, 3, 4, 1], picture)
    np.testing.assert_array_equal(drawings.data["text_features"][:, 0], np.arange(7))
    assert drawings.data["image_map"].dtype == np.float32
    assert "EfficientNet" in drawings.DESCR


def test_features_are_read_without_images(tiny):
    for file in (tiny / "openclipart" / "images").iterdir():
        file.unlink()
    drawings = fetch_openclipart(tiny, modalities=["text_features", "image_features"])
    assert list(drawings.data) == ["text_features", "image_features"]
    with pytest.raises(FileNotFoundError, match=r"3 of 3 images are missing.*00000\.jpg: copy"):
        fetch_openclipart(tiny)


def test_changed_images_are_refused(tiny):
    (tiny / "openclipart" / "images" / "00001.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(OSError, match=r"images are damaged or others.*expected .*again"):
        fetch_openclipart(tiny)


def test_changed_images_of_the_expected_checksum_are_named(tiny, monkeypatch):
    images = tiny / "openclipart" / "images"
    (images / "00001.jpg").write_bytes(b"\xff\xd8")
    expect_images(monkeypatch, images)
    with pytest.raises(OSError, match=r"image file .*00001\.jpg cannot be decoded"):
        fetch_openclipart(tiny)


def test_partial_folders(tiny, monkeypatch):
    (tiny / "openclipart" / "features.npz").write_bytes(b"PK")
    with pytest.raises(OSError, match=r"features\.npz is damaged.*Replace it by an intact copy"):
        fetch_openclipart(tiny, modalities=["image_map"])
    (tiny / "openclipart" / "captions.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"a folder that holds openclipart/captions\.json"):
        fetch_openclipart(tiny)
    monkeypatch.setenv("MIBSK_DATA", str(tiny))
    with pytest.raises(FileNotFoundError, match=r"cannot be downloaded: give the path of a folder"):
        fetch_openclipart()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"modalities": "image"}, TypeError, r"use \['image'\]"),
        ({"modalities": ["image_maps"]}, ValueError, "Did you mean 'image_map'"),
        ({"image_size": 129}, ValueError, "image_size must be an integer >= 8 and < 129"),
    ],
)
def test_bad_parameters_fail_before_any_file_is_read(arguments, error, message):
    with pytest.raises(error, match=message):
        fetch_openclipart("nowhere", **arguments)


# real data


@pytest.fixture(scope="module")
def drawings(shared_data):
    if not (shared_data / "openclipart").is_dir():
        pytest.skip(f"no folder openclipart in {shared_data}")
    names = ["image", "text", "image_features", "image_map", "text_features"]
    return fetch_openclipart(shared_data, modalities=names, image_size=32)


def test_fields(drawings):
    assert set(drawings) == {"data", "labels", "picture", "groups", "shared", "nuisances", "DESCR"}
    assert {name: X.shape[1:] for name, X in drawings.data.items()} == {
        "image": (32, 32, 3),
        "text": (),
        "image_features": (1280,),
        "image_map": (7, 7, 64),
        "text_features": (384,),
    }
    assert (len(drawings.data), len(set(drawings.picture))) == (4601, 1962)
    kinds = drawings.labels["text"]["kind"].value_counts().to_dict()
    assert kinds == {"title": 1962, "keywords": 1897 + 59, "description": 585 + 98}


def test_features_belong_to_their_rows(drawings, shared_data):
    with np.load(shared_data / "openclipart" / "features.npz") as stored:
        np.testing.assert_array_equal(stored["caption_row"], drawings.picture)
        np.testing.assert_array_equal(stored["image_row"], np.arange(1962))


def test_creators_are_not_split(drawings):
    train, test = split_bunch(drawings, test_size=0.2, random_state=0)
    assert not set(train.labels["image"]["creator"]) & set(test.labels["image"]["creator"])
    assert len(test.data) == pytest.approx(921, abs=30)
    pictures = one_per_picture(test)
    assert sum(map(len, pictures.references)) == len(test.data)
