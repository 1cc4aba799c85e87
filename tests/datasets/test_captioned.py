"""Pictures with several texts: one row for each text or picture, splits, files, and training."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mibsk import IBAligner
from mibsk.datasets import (
    load_bunch,
    load_digits_halves,
    make_scenes,
    one_per_picture,
    save_bunch,
    split_bunch,
)
from mibsk.datasets._captioned import Side, captioned_bunch
from mibsk.metrics import cider_d, recall_at_k


def drawings(picture, groups):
    """Return a dataset whose rows contain the numbers of the picture and of the text."""
    picture = np.asarray(picture, dtype=np.intp)
    n_pictures, n_texts = len(groups), len(picture)
    return captioned_bunch(
        Side(
            {"image": np.arange(n_pictures)[:, None] * np.ones((1, 3), dtype=np.float32)},
            pd.DataFrame({"creator": groups, "size": np.arange(n_pictures)}),
        ),
        Side(
            {
                "text": np.array([f"text {i} – ü" for i in range(n_texts)], dtype=object),
                "text_features": np.arange(n_texts)[:, None].astype(np.float32),
            },
            pd.DataFrame({"kind": [f"kind {i % 2}" for i in range(n_texts)]}),
        ),
        picture,
        groups,
        modalities=["text", "image", "text_features"],
        shared=["creator"],
        nuisances=["size", "kind"],
        about="Drawings.",
    )


PICTURE = [0, 0, 1, 2, 2, 2, 3, 4, 4]
GROUPS = ["b", "b", "a", "c", "a"]


def test_rows_by_hand():
    bunch = drawings(PICTURE, GROUPS)
    assert list(bunch.data) == list(bunch.labels) == ["text", "image", "text_features"]
    np.testing.assert_array_equal(bunch.data["image"][:, 0], PICTURE)
    np.testing.assert_array_equal(bunch.groups, [0, 0, 0, 1, 1, 1, 2, 1, 1])
    assert list(bunch.labels["image"]) == ["picture", "creator", "size"]
    assert list(bunch.labels["text"]) == ["picture", "creator", "kind"]
    assert bunch.labels["text"].equals(bunch.labels["text_features"])
    assert bunch.labels["image"]["size"].tolist() == PICTURE
    assert bunch.shared == ["picture", "creator"]


@settings(deadline=None)
@given(
    groups=st.lists(st.integers(0, 9), min_size=12, max_size=30),
    counts=st.lists(st.integers(1, 4), min_size=30, max_size=30),
    seed=st.integers(0, 2**31 - 1),
    test_size=st.floats(0.1, 0.5),
)
def test_splits_keep_groups_whole_and_every_row_once(groups, counts, seed, test_size):
    picture = np.arange(len(groups)).repeat(counts[: len(groups)])
    sizes = np.bincount(np.array(groups)[picture])
    assume(sizes.max() <= 0.9 * len(picture))
    bunch = drawings(picture, groups)
    train, test = split_bunch(bunch, test_size=test_size, random_state=seed)
    assert not set(train.groups) & set(test.groups)
    assert not set(train.picture) & set(test.picture)
    both = [t for part in (train, test) for t in part.data["text_features"][:, 0]]
    assert sorted(both) == list(range(len(picture)))
    assert len(train.data)
    for part in (train, test):
        rows = part.data["text_features"][:, 0].astype(int)
        np.testing.assert_array_equal(part.picture, picture[rows])
        np.testing.assert_array_equal(part.groups, bunch.groups[rows])
        assert part.labels["image"]["picture"].tolist() == part.picture.tolist()
    again = split_bunch(bunch, test_size=test_size, random_state=seed)[1]
    np.testing.assert_array_equal(test.picture, again.picture)


def test_size_of_the_test_part_is_met_as_nearly_as_groups_allow():
    bunch = drawings(np.arange(400), np.arange(400) // 4)
    for size in (0.1, 0.25, 0.5):
        test = split_bunch(bunch, test_size=size, random_state=0)[1]
        assert len(test.data) == pytest.approx(400 * size, abs=2)


def test_one_group_cannot_be_split():
    with pytest.raises(ValueError, match=r"groups of the dataset must be several.*9 of 9 rows"):
        split_bunch(drawings(PICTURE, ["a"] * 5))


@pytest.mark.parametrize("test_size", [0.0, 1.0, -1])
def test_size_of_the_test_part_is_checked(test_size):
    with pytest.raises(ValueError, match="test_size must be"):
        split_bunch(drawings(PICTURE, GROUPS), test_size=test_size)


def test_one_row_for_each_picture():
    order = np.array([8, 3, 0, 6, 5, 1, 2, 7, 4])
    bunch = drawings(np.array(PICTURE)[order], GROUPS)
    pictures = one_per_picture(bunch)
    np.testing.assert_array_equal(pictures.picture, [4, 2, 0, 3, 1])
    np.testing.assert_array_equal(pictures.data["image"][:, 0], [4, 2, 0, 3, 1])
    assert [len(texts) for texts in pictures.references] == [2, 3, 2, 1, 1]
    assert pictures.references[1] == ["text 1 – ü", "text 4 – ü", "text 8 – ü"]
    assert [texts[0] for texts in pictures.references] == pictures.data["text"].tolist()
    assert cider_d(pictures.data["text"], pictures.references) > 0
    train, test = split_bunch(pictures, test_size=0.4, random_state=0)
    for part in (train, test):
        assert [texts[0] for texts in part.references] == part.data["text"].tolist()
    again = one_per_picture(pictures)
    assert again.data["text"].tolist() == pictures.data["text"].tolist()


def test_pictures_need_numbers():
    with pytest.raises(ValueError, match=r"needs a dataset with the number of the picture"):
        one_per_picture(load_digits_halves())


def test_files_keep_all_rows(tmp_path):
    bunch = one_per_picture(drawings(PICTURE, GROUPS))
    save_bunch(bunch, tmp_path / "a")
    loaded = load_bunch(tmp_path / "a")
    assert loaded.keys() == bunch.keys()
    assert loaded.data["text"].tolist() == bunch.data["text"].tolist()
    np.testing.assert_array_equal(loaded.data["image"], bunch.data["image"])
    for name in ("picture", "groups"):
        np.testing.assert_array_equal(loaded[name], bunch[name])
        assert loaded[name].dtype == bunch[name].dtype
    assert loaded.references == bunch.references
    assert loaded.labels["text"].equals(bunch.labels["text"])
    test = split_bunch(loaded, test_size=0.4, random_state=0)[1]
    assert test.references == split_bunch(bunch, test_size=0.4, random_state=0)[1].references


def test_texts_of_one_picture_are_positives_of_a_training():
    scenes = make_scenes(30, image_size=16, n_captions=3, random_state=0)
    aligner = IBAligner(
        n_components=4,
        encoders="network",
        bottleneck=None,
        same_group="positive",
        max_epochs=2,
        random_state=0,
    ).fit(scenes.data, groups=scenes.picture)  # warns of no repeated rows
    pictures = one_per_picture(scenes)
    Z_image = aligner.embed({"image": pictures.data["image"]})["image"]
    Z_text = aligner.embed({"text": scenes.data["text"]})["text"]
    for query, gallery, labels in (
        (Z_image, Z_text, (pictures.picture, scenes.picture)),
        (Z_text, Z_image, (scenes.picture, pictures.picture)),
    ):
        assert 0 <= recall_at_k(query, gallery, k=5, labels=labels) <= 1
