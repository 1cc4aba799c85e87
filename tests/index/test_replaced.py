"""An index that is built again while it is open."""

import shutil
import uuid

import numpy as np
import pytest

from mibsk.exceptions import IndexReplacedError
from mibsk.index import open_index
from mibsk.index._qdrant_client import connect

from .conftest import bundle, unit

OLD, NEW = unit(6, seed=1), unit(6, seed=2)


@pytest.fixture
def folder(tmp_path):
    index = open_index(tmp_path / "index", bundle=bundle(), create=True)
    index.add("text", [f"old {i}" for i in range(6)], OLD)
    return tmp_path / "index"


def built_again(folder, digest):
    shutil.rmtree(folder)
    index = open_index(folder, bundle=bundle(digest), create=True)
    index.add("text", [f"new {i}" for i in range(6)], NEW)


def calls_of(index):
    return (
        lambda: index.search("text", OLD[:1]),
        lambda: index.add("text", ["x"], OLD[:1]),
        lambda: index.rows("text"),
        lambda: index.get("text", ["new 0"]),
        lambda: index.delete("text", ["new 0"]),
        index.modalities,
    )


def test_of_another_model_it_is_neither_searched_nor_added_to(folder):
    index = open_index(folder, bundle=bundle())
    assert index.search("text", OLD[:1], k=1)[0][0].id == "old 0"
    built_again(folder, "b" * 64)
    for call in calls_of(index):
        with pytest.raises(IndexReplacedError, match="was replaced by an index of another model"):
            call()
    other = open_index(folder, bundle=bundle("b" * 64))
    assert [row.id for row in other.rows("text")] == [f"new {i}" for i in range(6)]


def test_of_the_same_model_its_rows_are_the_new_ones(folder):
    index = open_index(folder, bundle=bundle())
    index.search("text", OLD[:1])  # keeps the rows in memory
    built_again(folder, "a" * 64)
    (hits,) = index.search("text", NEW[2:3], k=6)
    assert hits[0].id == "new 2"
    np.testing.assert_allclose([hit.score for hit in hits[:1]], [1.0], atol=1e-6)
    assert {hit.id for hit in hits} == {row.id for row in index.rows("text")}


def test_a_folder_that_is_gone_is_an_error(folder):
    index = open_index(folder, bundle=bundle())
    index.search("text", OLD[:1])
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError):
        index.search("text", OLD[:1])


@pytest.fixture
def place():
    address = f"qdrant+memory://test-{uuid.uuid4().hex}"
    index = open_index(address, bundle=bundle(), create=True)
    index.add("text", [f"old {i}" for i in range(6)], OLD)
    return address


def deleted(address, *endings):
    for ending in endings:
        connect("memory", "").delete_collection(address.removeprefix("qdrant+memory://") + ending)


def test_in_qdrant_of_another_model_it_is_neither_searched_nor_added_to(place):
    index = open_index(place, bundle=bundle())
    deleted(place, "", ".text")
    other = open_index(place, bundle=bundle("b" * 64), create=True)
    other.add("text", [f"new {i}" for i in range(6)], NEW)
    for call in calls_of(index):
        with pytest.raises(IndexReplacedError, match="was replaced by an index of another model"):
            call()
    assert [row.id for row in other.rows("text")] == [f"new {i}" for i in range(6)]


def test_in_qdrant_of_the_same_model_its_rows_are_the_new_ones(place):
    index = open_index(place, bundle=bundle())
    deleted(place, "", ".text")
    open_index(place, bundle=bundle(), create=True).add("text", ["new 0"], NEW[:1])
    assert [hit.id for hit in index.search("text", NEW[:1])[0]] == ["new 0"]


def test_in_qdrant_an_index_that_is_gone_is_an_error(place):
    index = open_index(place, bundle=bundle())
    deleted(place, "", ".text")
    for call in calls_of(index):
        with pytest.raises(FileNotFoundError, match="no index at"):
            call()


def test_in_qdrant_rows_of_a_deleted_index_are_in_no_other_one(place):
    deleted(place, "")
    other = open_index(place, bundle=bundle("b" * 64), create=True)
    with pytest.raises(ValueError, match=r"\.text' has rows that the index .* delete it too"):
        other.add("text", ["new 0"], NEW[:1])
