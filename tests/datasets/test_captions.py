"""Readers of COCO's and Karpathy's files, on small files in the true format."""

import json

import numpy as np
import pytest
from PIL import Image

from mibsk.datasets import (
    load_coco_captions,
    load_flickr_captions,
    load_karpathy,
    one_per_picture,
    save_bunch,
    split_bunch,
)

COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def coco(n_images=3):
    """Return captions in COCO's format: two or three for each image, in the order of writing."""
    names = [f"COCO_train2014_{number:012}.jpg" for number in (57870, 9, 384029)]
    images = [
        {
            "license": 5,
            "file_name": name,
            "coco_url": f"http://mscoco.org/images/{name}",
            "height": 20,
            "width": 30,
            "date_captured": "2013-11-14 16:28:13",
            "id": int(name[-16:-4]),
        }
        for name in names[:n_images]
    ]
    annotations = [
        {"image_id": 9, "id": 48, "caption": "A green box. "},
        {"image_id": 57870, "id": 787980, "caption": "Red."},
        {"image_id": 9, "id": 51, "caption": "Something green"},
        {"image_id": 57870, "id": 787981, "caption": "A red photograph\n"},
        {"image_id": 9, "id": 52, "caption": "Grün"},
    ]
    return {"info": {"year": 2014}, "licenses": [], "images": images, "annotations": annotations}


def karpathy():
    """Return a split in Karpathy's format for COCO."""
    images = []
    for number, (split, filepath) in enumerate(
        [("train", "train2014"), ("restval", "val2014"), ("test", "val2014")]
    ):
        sentences = [
            {"tokens": ["a", "b"], "raw": f"A b {i}.", "imgid": number, "sentid": 10 * number + i}
            for i in range(2)
        ]
        images.append(
            {
                "filepath": filepath,
                "sentids": [10 * number, 10 * number + 1],
                "filename": f"{number}.jpg",
                "imgid": number,
                "split": split,
                "sentences": sentences,
                "cocoid": 1000 + number,
            }
        )
    return {"images": images, "dataset": "coco"}


def write(tmp_path, content, name="captions.json"):
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


@pytest.fixture
def images(tmp_path):
    """Folder with the images of :func:`coco`, one colour each; the last has no caption."""
    folder = tmp_path / "train2014"
    folder.mkdir()
    for image, color in zip(coco()["images"][:2], COLORS, strict=False):
        Image.new("RGB", (30, 20), color).save(folder / image["file_name"], quality=95)
    return folder


def test_coco_by_hand(tmp_path, images):
    bunch = load_coco_captions(write(tmp_path, coco()), images, image_size=16)
    assert bunch.data["text"].tolist() == [
        "Red.",
        "A red photograph",
        "A green box.",
        "Something green",
        "Grün",
    ]
    np.testing.assert_array_equal(bunch.picture, [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(bunch.groups, bunch.picture)
    assert bunch.labels["image"]["image_id"].tolist() == [57870] * 2 + [9] * 3
    assert bunch.labels["text"]["sentence_id"].tolist() == [787980, 787981, 48, 51, 52]
    assert bunch.shared == ["picture", "image_id"]
    assert "2 images, and 5 sentences" in bunch.DESCR
    pixels = bunch.data["image"][:]
    assert pixels.shape == (5, 16, 16, 3)
    expected = np.array(COLORS)[bunch.picture][:, None, None]
    np.testing.assert_allclose(pixels.astype(int), expected + np.zeros((1, 16, 16, 1)), atol=3)
    item = bunch.data[4]
    assert (item["text"], item["image"].shape) == ("Grün", (16, 16, 3))


def test_pictures_and_parts_stay_files(tmp_path, images):
    bunch = load_coco_captions(write(tmp_path, coco()), images, image_size=16)
    pictures = one_per_picture(bunch)
    assert pictures.references == [
        ["Red.", "A red photograph"],
        ["A green box.", "Something green", "Grün"],
    ]
    assert pictures.data["image"].shape == (2, 16, 16, 3)
    train, test = split_bunch(bunch, test_size=0.4, random_state=0)
    assert not set(train.picture) & set(test.picture)
    assert len(train.data) + len(test.data) == 5
    assert train.labels["text"]["picture"].tolist() == train.picture.tolist()
    with pytest.raises(TypeError, match=r"save_bunch writes arrays.*got CaptionedImages"):
        save_bunch(bunch, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_karpathy_of_coco(tmp_path):
    for folder, numbers in (("train2014", [0]), ("val2014", [1, 2])):
        (tmp_path / folder).mkdir()
        for number in numbers:
            Image.new("RGB", (8, 8), COLORS[number]).save(tmp_path / folder / f"{number}.jpg")
    file = write(tmp_path, karpathy(), "dataset_coco.json")
    train = load_karpathy(file, tmp_path, split=["train", "restval"], image_size=8)
    assert train.data["text"].tolist() == ["A b 0.", "A b 1."] * 2
    assert train.labels["text"]["sentence_id"].tolist() == [0, 1, 10, 11]
    assert train.labels["text"]["image_id"].tolist() == [1000, 1000, 1001, 1001]
    assert train.data["image"][2][4, 4].argmax() == 1
    test = load_karpathy(file, tmp_path, split="test")
    assert test.data["image"].shape == (2, 224, 224, 3)
    assert test.labels["image"]["image_id"].tolist() == [1002, 1002]
    inside = load_karpathy(file, tmp_path / "val2014", split="test")
    assert inside.data["image"].files.tolist() == test.data["image"].files.tolist()
    with pytest.raises(ValueError, match=r"one of \['restval', 'test', 'train'\].*got 'tets'"):
        load_karpathy(file, tmp_path, split="tets")


def test_karpathy_of_flickr(tmp_path):
    content = karpathy()
    for image in content["images"]:
        del image["filepath"], image["cocoid"]
        Image.new("RGB", (8, 8)).save(tmp_path / image["filename"])
    bunch = load_karpathy(write(tmp_path, content), tmp_path, split="test")
    assert bunch.labels["image"]["image_id"].tolist() == [2, 2]
    assert bunch.data["image"].files[0] == str(tmp_path / "2.jpg")


def test_flickr_by_hand(tmp_path):
    for name in ("12.jpg", "7_ab.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    lines = "12.jpg#0\tTwo men . \n12.jpg#1\tGrüne # 3\n7_ab.jpg#0\tA dog\n12.jpg#2\tMen\r\n\n"
    bunch = load_flickr_captions(write(tmp_path, lines, "results.token"), tmp_path)
    assert bunch.data["text"].tolist() == ["Two men .", "Grüne # 3", "Men", "A dog"]
    assert bunch.labels["image"]["image_id"].tolist() == ["12"] * 3 + ["7_ab"]
    assert bunch.labels["text"]["sentence_id"].tolist() == [0, 1, 2, 0]
    assert bunch.data["image"].files[3] == str(tmp_path / "7_ab.jpg")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"12.jpg#0\tTwo men\n12.jpg\tMen\n", r"line 2 of .*results\.token must be the name of an"),
        (b"", r"results\.token has no captions"),
        (b"12.jpg#0\tGr\xfcn", r"results\.token is not a text file in UTF-8"),
    ],
)
def test_other_files_are_no_captions_of_flickr(tmp_path, content, message):
    (tmp_path / "results.token").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_flickr_captions(tmp_path / "results.token", tmp_path)


def test_corrupt_images_are_named_when_they_are_read(tmp_path, images):
    name = coco()["images"][1]["file_name"]
    (images / name).write_bytes(b"\xff\xd8 no photograph")
    bunch = load_coco_captions(write(tmp_path, coco()), images)
    assert bunch.data["image"][:2].shape == (2, 224, 224, 3)
    with pytest.raises(OSError, match=f"{name} cannot be decoded"):
        bunch.data["image"][1:4]


def test_missing_images_are_counted_and_named(tmp_path, images):
    name = coco()["images"][1]["file_name"]
    (images / name).unlink()
    file = write(tmp_path, coco())
    with pytest.raises(FileNotFoundError, match=rf"1 of 2 image files are missing.*{name}"):
        load_coco_captions(file, images)
    with pytest.raises(
        FileNotFoundError, match=r"2 of 2 image files .* nowhere must be the folder"
    ):
        load_coco_captions(file, "nowhere")


def changed(content, *path, value=None):
    """Return the content with one of its entries replaced, or removed if `value` is None."""
    entry = content
    for key in path[:-1]:
        entry = entry[key]
    if value is None:
        del entry[path[-1]]
    else:
        entry[path[-1]] = value
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a JSON file, or it is damaged"),
        ([1], "must hold captions in COCO's format, an object with a list 'images'"),
        (changed(coco(), "annotations"), "an object with a list 'annotations'"),
        (changed(coco(), "annotations", 1, "caption"), "has an entry without 'caption'"),
        (changed(coco(), "images", 0, "id"), "has an entry without 'id'"),
        (changed(coco(), "images", 0, value=3), "has an entry of another kind"),
        (coco(1), "annotation 0 has image_id 9, which is not among its 1 images"),
        (
            changed(coco(), "annotations", 2, "caption", value=["a"]),
            r"the text of annotation 2 must be a string, got \['a'\]",
        ),
        (changed(coco(), "annotations", value=[]), "has no captions"),
    ],
)
def test_other_files_are_no_captions(tmp_path, images, content, message):
    with pytest.raises(ValueError, match=rf"captions\.json.*{message}"):
        load_coco_captions(write(tmp_path, content), images)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"dataset": "coco"}, "must hold one of Karpathy's splits, an object with a list 'images'"),
        (changed(karpathy(), "images", 1, "split"), "has an entry without 'split'"),
        (changed(karpathy(), "images", 0, "sentences", 1, "raw"), "has an entry without 'raw'"),
        (
            changed(karpathy(), "images", 0, "sentences", 1, "raw", value=7),
            "the text of sentence 1 of image 0 must be a string, got 7",
        ),
    ],
)
def test_other_files_are_no_splits(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"captions\.json.*{message}"):
        load_karpathy(write(tmp_path, content), tmp_path)


def test_a_file_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*x\.token: path must be a file of"):
        load_flickr_captions(tmp_path / "x.token", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no file .*x\.json: path must be a file of"):
        load_coco_captions(tmp_path / "x.json", tmp_path)
