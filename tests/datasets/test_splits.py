"""Splits have no common row, labels follow their rows, and files preserve all bits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch

from mibsk import ClassPairs, Modalities
from mibsk.datasets import load_bunch, make_sprites, save_bunch, split_bunch


def paired_by_instance(n: int = 60) -> Bunch:
    """Rows and labels that contain the row number."""
    numbers = np.arange(n)
    labels = pd.DataFrame({"number": numbers, "name": [f"row {i}" for i in numbers]})
    data = Modalities(
        {"a": numbers[:, None].astype(np.float32), "b": np.repeat(numbers, 6).reshape(n, 2, 3)}
    )
    return Bunch(
        data=data,
        labels={"a": labels, "b": labels[["number"]]},
        shared=["number"],
        nuisances=["name"],
        DESCR="Numbers ± 0.",
    )


def paired_by_class(n_anchors: int = 60, n_partners: int = 45, n_classes: int = 3) -> Bunch:
    """Rows and labels that contain the row number."""
    labels = {
        name: pd.DataFrame({"class": np.arange(n) % n_classes, "number": np.arange(n)})
        for name, n in (("partner", n_partners), ("anchor", n_anchors))
    }
    data = ClassPairs(
        {
            name: (table[["number"]].to_numpy(np.float32), table["class"])
            for name, table in labels.items()
        },
        anchor="anchor",
        random_state=0,
    )
    return Bunch(data=data, labels=labels, shared=["class"], nuisances=["number"], DESCR="Pairs.")


def numbers(bunch: Bunch, name: str) -> list[int]:
    return bunch.labels[name]["number"].tolist()


MAKERS = [paired_by_instance, paired_by_class]


@pytest.mark.parametrize("make", MAKERS)
@settings(max_examples=15, deadline=None)
@given(test_size=st.floats(0.15, 0.6), seed=st.integers(0, 2**31 - 1))
def test_parts_have_no_common_row_and_labels_follow(make, test_size, seed):
    bunch = make()
    train, test = split_bunch(bunch, test_size=test_size, random_state=seed)
    assert len(test.data) == np.ceil(test_size * 60)
    for name in bunch.data:
        both = numbers(train, name) + numbers(test, name)
        assert sorted(both) == list(range(len(bunch.labels[name])))
        for side in (train, test):
            table = side.labels[name]
            assert list(table.index) == list(range(len(table)))
            assert list(table.columns) == list(bunch.labels[name].columns)
            flat = np.asarray(side.data[name]).reshape(len(table), -1)
            assert (flat == table[["number"]].to_numpy()).all()
            assert side.data[name].dtype == bunch.data[name].dtype


def test_rows_keep_their_order_and_the_seed_decides_as_in_scikit_learn():
    train, test = split_bunch(paired_by_instance(), test_size=0.3, random_state=5)
    expected = train_test_split(np.arange(60), test_size=0.3, random_state=5)
    assert [numbers(train, "a"), numbers(test, "a")] == [sorted(side) for side in expected]
    other, _ = split_bunch(paired_by_instance(), test_size=0.3, random_state=6)
    assert numbers(other, "a") != numbers(train, "a")


def test_pairs_by_class_are_stratified():
    train, test = split_bunch(paired_by_class(), test_size=0.25, random_state=0)
    for side, n_rows, share in ((train, 45, 15), (test, 15, 5)):
        assert isinstance(side.data, ClassPairs)
        assert len(side.data) == n_rows
        assert side.labels["anchor"]["class"].value_counts().to_dict() == dict.fromkeys(
            range(3), share
        )
        assert np.array_equal(side.data.labels, side.labels["anchor"]["class"])
        for name in side.data:
            assert np.array_equal(side.data.class_labels[name], side.labels[name]["class"])


@pytest.mark.parametrize("make", MAKERS)
def test_other_fields_are_kept(make):
    bunch = make()
    before = {name: table.copy() for name, table in bunch.labels.items()}
    for side in split_bunch(bunch, random_state=0):
        assert set(side) == set(bunch)
        assert (side.shared, side.nuisances, side.DESCR) == (
            bunch.shared,
            bunch.nuisances,
            bunch.DESCR,
        )
    for name, table in before.items():  # the dataset that was split is as it was
        pd.testing.assert_frame_equal(bunch.labels[name], table)


@pytest.mark.parametrize("make", MAKERS)
def test_files_preserve_a_dataset_bit_for_bit(make, tmp_path):
    for side in split_bunch(make(), random_state=0):
        save_bunch(side, tmp_path / "new" / "folder")
        again = load_bunch(tmp_path / "new" / "folder")
        assert set(again) == set(side)
        assert type(again.data) is type(side.data)
        assert list(again.data) == list(side.data)
        assert (again.shared, again.nuisances, again.DESCR) == (
            side.shared,
            side.nuisances,
            side.DESCR,
        )
        for name in side.data:
            assert again.data[name].dtype == side.data[name].dtype
            assert np.array_equal(again.data[name], side.data[name])
            pd.testing.assert_frame_equal(again.labels[name], side.labels[name])


def test_files_hold_the_same_pairs(tmp_path):
    train, _ = split_bunch(paired_by_class(), random_state=0)
    save_bunch(train, tmp_path)
    again = load_bunch(tmp_path).data
    assert again.anchor == "anchor"
    for name, labels in train.data.class_labels.items():
        assert np.array_equal(again.class_labels[name], labels)
    drawn, expected = again.draw(random_state=3), train.data.draw(random_state=3)
    assert np.array_equal(drawn["partner"], expected["partner"])
    half = np.arange(20)
    assert np.array_equal(again[half].rows("partner"), train.data[half].rows("partner"))


def test_the_same_dataset_gives_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        save_bunch(make_sprites(20, image_size=8, random_state=0), tmp_path / folder)
    one, two = (
        {p.name: p.read_bytes() for p in (tmp_path / folder).iterdir()} for folder in ("one", "two")
    )
    assert one == two
    assert set(one) == {
        "about.json",
        *(f"{name}{end}" for name in ("image", "factors") for end in (".npy", ".labels.csv")),
    }


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="test_size"):
        split_bunch(paired_by_instance(), test_size=1.5)
    with pytest.raises(ValueError, match="least populated class"):
        split_bunch(paired_by_class(n_anchors=4, n_classes=3), test_size=0.5)
    with pytest.raises(FileNotFoundError, match=r"about\.json"):
        load_bunch(tmp_path)
