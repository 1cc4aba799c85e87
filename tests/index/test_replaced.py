"""An index that is built again while it is open."""

import shutil

import numpy as np
import pytest

from mibsk.exceptions import IndexReplacedError
from mibsk.index import open_index

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


def test_of_another_model_it_is_neither_searched_nor_added_to(folder):
    index = open_index(folder, bundle=bundle())
    assert index.search("text", OLD[:1], k=1)[0][0].id == "old 0"
    built_again(folder, "b" * 64)
    calls = (
        lambda: index.search("text", OLD[:1]),
        lambda: index.add("text", ["x"], OLD[:1]),
        lambda: index.rows("text"),
        lambda: index.get("text", ["new 0"]),
        lambda: index.delete("text", ["new 0"]),
        index.modalities,
    )
    for call in calls:
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
