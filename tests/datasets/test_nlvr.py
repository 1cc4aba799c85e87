"""NLVR: the reader on small files in the true format, and on the real ones."""

import hashlib
import io
import json

import numpy as np
import pytest

from mibsk.datasets import _nlvr, fetch_nlvr, split_bunch
from mibsk.datasets._nlvr import COLORS, LARGEST, SIDE


def thing(color, kind, size, x, y):
    return {"color": color, "type": kind, "size": size, "x": x, "y": y}


STATEMENTS = [
    {
        "sentence": "There is a blue square.",
        "scene": "dev-7",
        "images": list(range(6)),
        "boxes": [
            [thing("blue", "square", 30, 10, 20), thing("black", "circle", 10, 0, 90)],
            [],
            [thing("yellow", "triangle", 20, 50, 60)],
        ],
    },
    {
        "sentence": "Two boxes are empty",
        "scene": "test-3",
        "images": list(range(6, 12)),
        "boxes": [[], [], []],
    },
]


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Folder with two statements, whose checksums are the expected ones."""
    monkeypatch.delenv("MIBSK_DATA", raising=False)
    folder = tmp_path / "nlvr"
    folder.mkdir()
    images = np.arange(12, dtype=np.uint8)[:, None, None, None] * np.ones((1, 50, 200, 3), np.uint8)
    images[7] = images[6]
    content = io.BytesIO()
    np.savez_compressed(content, images=images)
    for name, file, data in (
        ("IMAGES", "images.npz", content.getvalue()),
        ("STATEMENTS", "statements.json", json.dumps(STATEMENTS).encode()),
    ):
        (folder / file).write_bytes(data)
        checksum = f"sha256:{hashlib.sha256(data).hexdigest()}"
        monkeypatch.setattr(_nlvr, name, getattr(_nlvr, name)._replace(checksum=checksum))
    return tmp_path


def test_reader_by_hand(tiny):
    boxes = fetch_nlvr(tiny, modalities=["text", "image", "objects"], n_orders=2)
    assert boxes.data["text"].tolist() == [
        *["There is a blue square."] * 2,
        *["Two boxes are empty"] * 2,
    ]
    np.testing.assert_array_equal(boxes.data["image"][:, 0, 0, 0], [0, 1, 6, 6])
    np.testing.assert_array_equal(boxes.picture, [0, 1, 2, 2])  # equal pictures have one number
    np.testing.assert_array_equal(boxes.groups, [0, 0, 1, 1])
    assert boxes.labels["image"]["order"].tolist() == [0, 1, 0, 1]
    assert list(boxes.labels["text"]) == ["picture", "statement", "scene"]
    first, second = boxes.data["objects"][:2]
    np.testing.assert_allclose(
        first[0, :2],
        [[1, 0, 1, 0, 0, 1, 0, 1, 0.1, 0.2], [1, 1, 0, 0, 1, 0, 0, 1 / 3, 0, 0.9]],
        rtol=1e-6,
    )
    np.testing.assert_allclose(first[2, 0], [1, 0, 0, 1, 0, 0, 1, 2 / 3, 0.5, 0.6], rtol=1e-6)
    assert not first[1].any()
    assert not first[:, 2:].any()
    np.testing.assert_array_equal(second, first[[0, 2, 1]])
    assert not boxes.data["objects"][2:].any()
    assert "2 picture(s)" in boxes.DESCR


def test_damaged_and_missing_files(tiny):
    (tiny / "nlvr" / "images.npz").write_bytes(b"PK")
    with pytest.raises(OSError, match=r"images\.npz is damaged.*Replace it by an intact copy"):
        fetch_nlvr(tiny)
    (tiny / "nlvr" / "images.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"a folder that holds nlvr/images\.npz"):
        fetch_nlvr(tiny)
    with pytest.raises(FileNotFoundError, match=r"nlvr/statements\.json, which cannot be download"):
        fetch_nlvr()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"modalities": "image"}, TypeError, r"use \['image'\]"),
        ({"modalities": ["object"]}, ValueError, "Did you mean 'objects'"),
        ({"n_orders": 7}, ValueError, "n_orders must be an integer >= 1 and < 7"),
    ],
)
def test_bad_parameters_fail_before_any_file_is_read(arguments, error, message):
    with pytest.raises(error, match=message):
        fetch_nlvr("nowhere", **arguments)


# real data


@pytest.fixture(scope="module")
def boxes(shared_data):
    if not (shared_data / "nlvr").is_dir():
        pytest.skip(f"no folder nlvr in {shared_data}")
    return fetch_nlvr(shared_data, modalities=["image", "text", "objects"])


def test_fields(boxes):
    assert set(boxes) == {"data", "labels", "picture", "groups", "shared", "nuisances", "DESCR"}
    assert {name: X.shape for name, X in boxes.data.items()} == {
        "image": (6618, 50, 200, 3),
        "text": (6618,),
        "objects": (6618, 3, 8, 10),
    }
    assert (len(set(boxes.groups)), len(set(boxes.picture))) == (523, 6336)
    assert boxes.labels["text"]["statement"].nunique() == 1103


def test_objects_are_where_the_pictures_show_them(boxes):
    """In every order of the boxes: the middle of each object has its colour in the picture."""
    row, box, number = np.nonzero(boxes.data["objects"][..., 0])
    values = boxes.data["objects"][row, box, number]
    size, x, y = LARGEST * values[:, 7], SIDE * values[:, 8], SIDE * values[:, 9]
    # boxes are 50 pixels wide, and 75 apart
    column = (75 * box + (x + size / 2) / 2).astype(int)
    inside = (column < 200) & (y + size / 2 < 100)
    pixels = boxes.data["image"][row, ((y + size / 2) / 2).astype(int) % 50, column % 200]
    expected = np.array([[0, 0, 0], [0, 153, 255], [255, 255, 0]])[values[:, 1:4].argmax(axis=1)]
    near = np.abs(pixels - expected).max(axis=1) < 60
    assert len(COLORS) == 3
    assert near[inside].mean() > 0.999
    assert inside.mean() > 0.99


def test_scenes_are_not_split(boxes):
    train, test = split_bunch(boxes, test_size=0.2, random_state=0)
    assert not set(train.groups) & set(test.groups)
    assert len(test.data) == pytest.approx(1324, abs=20)
