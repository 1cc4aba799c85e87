"""A mapping of paired arrays: rows, names, scikit-learn's tools, errors."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from sklearn.utils import _safe_indexing, shuffle
from sklearn.utils.validation import _num_samples

from mibsk import Modalities


@pytest.fixture(scope="module")
def pairs():
    """Eight rows of an image, a text, a sparse and a tensor modality that all know their row."""
    return Modalities(
        {
            "image": np.arange(8.0)[:, None, None] * np.ones((8, 3, 3)),
            "text": list("abcdefgh"),
            "sparse": sp.coo_array(np.diag(np.arange(1.0, 9.0))),
            "tensor": torch.arange(8),
        }
    )


def rows_of(selected):
    """Row numbers that each modality holds."""
    return {
        "image": selected["image"][:, 0, 0].astype(int).tolist(),
        "text": [ord(letter) - ord("a") for letter in selected["text"]],
        "sparse": (selected["sparse"].sum(axis=1).astype(int) - 1).tolist(),
        "tensor": selected["tensor"].tolist(),
    }


def test_names_and_length(pairs):
    assert list(pairs) == ["image", "text", "sparse", "tensor"]
    assert len(pairs) == 8
    assert pairs.shape == (8,)
    assert "image" in pairs
    assert pairs["image"].shape == (8, 3, 3)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (slice(2, 5), [2, 3, 4]),
        (slice(None, None, -3), [7, 4, 1]),
        ([6, 0, 0], [6, 0, 0]),
        (np.array([1, 7]), [1, 7]),
        (np.arange(8) % 2 == 1, [1, 3, 5, 7]),
        (slice(0, 0), []),
    ],
)
def test_rows_are_selected_in_every_modality(pairs, key, expected):
    selected = pairs[key]
    assert isinstance(selected, Modalities)
    assert len(selected) == len(expected)
    assert all(rows == expected for rows in rows_of(selected).values())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-8, 7), max_size=12))
def test_rows_stay_together(pairs, key):
    first, *others = rows_of(pairs[np.array(key, dtype=int)]).values()
    assert first == [k % 8 for k in key]
    assert all(rows == first for rows in others)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, Modalities.copy, Modalities])
def test_copies(pairs, clone):
    other = clone(pairs)
    assert isinstance(other, Modalities)
    assert rows_of(other) == rows_of(pairs)
    other["extra"] = np.zeros(8)
    assert "extra" not in pairs


def test_pickles(pairs):
    other = pickle.loads(pickle.dumps(pairs))
    assert len(other) == 8
    assert rows_of(other[2:4]) == rows_of(pairs[2:4])


def test_a_copy_shares_the_arrays(pairs):
    assert pairs.copy()["image"] is pairs["image"]


def test_setting_a_modality_reads_it_like_the_constructor():
    pairs = Modalities({"image": np.zeros((3, 2))})
    pairs["text"] = ["a", "b", "c"]
    pairs.update({"number": [1, 2, 3]})
    assert pairs[1:]["text"].tolist() == ["b", "c"]
    assert pairs[1:]["number"].tolist() == [2, 3]
    with pytest.raises(ValueError, match="shape"):
        pairs["late"] = np.zeros(4)


def test_repr_shows_types_and_shapes():
    pairs = Modalities({"image": np.zeros((2, 8, 8), np.uint8)})
    assert repr(pairs) == "Modalities(2 rows; image: uint8[8, 8])"


def test_works_in_the_tools_of_scikit_learn(pairs):
    assert _num_samples(pairs) == 8
    assert rows_of(_safe_indexing(pairs, [1, 3]))["text"] == [1, 3]
    train, test = train_test_split(pairs, test_size=0.25, random_state=0)
    assert sorted(rows_of(train)["image"] + rows_of(test)["image"]) == list(range(8))
    assert rows_of(train)["text"] == rows_of(train)["image"]
    for fit, held in KFold(4).split(pairs):
        assert len(pairs[fit]) == 6
        assert rows_of(pairs[held])["sparse"] == held.tolist()
    mixed, y = shuffle(pairs, np.arange(8), random_state=0)
    assert rows_of(mixed)["text"] == y.tolist()


def test_works_in_cross_validation(pairs):
    class RowCount(BaseEstimator):
        """Scores how many rows it was given."""

        def fit(self, X, y=None):
            self.n_fit = len(X)
            return self

        def score(self, X, y=None):
            assert isinstance(X, Modalities)
            return self.n_fit + len(X)

    assert cross_val_score(RowCount(), pairs, cv=4).tolist() == [8, 8, 8, 8]


def test_a_memory_map_stays_one_under_slices(tmp_path):
    mapped = np.memmap(tmp_path / "X", np.uint8, "w+", shape=(6, 4))
    pairs = Modalities({"image": mapped, "text": list("abcdef")})
    assert pairs["image"] is mapped
    part = pairs[2:5]["image"]
    assert isinstance(part, np.memmap)
    assert np.shares_memory(part, mapped)


@pytest.mark.parametrize(
    ("mapping", "error", "message"),
    [
        ([("image", [1])], TypeError, "takes a mapping of name to array, got list"),
        (np.zeros((3, 2)), TypeError, "got ndarray"),
        ({}, ValueError, "at least one modality, got an empty mapping"),
        ({0: [1, 2]}, TypeError, "names must be strings, got 0"),
        ({"a": [1, 2], "b": [1]}, ValueError, "'a' has 2, 'b' has 1"),
        ({"a": "text"}, TypeError, "one entry per row, got str"),
        ({"a": np.array(1.0)}, ValueError, "got a single value"),
        ({"a": [[1], [1, 2]]}, ValueError, "modality 'a' must have rows of one shape"),
    ],
)
def test_refuses(mapping, error, message):
    with pytest.raises(error, match=message):
        Modalities(mapping)


@pytest.mark.parametrize("key", [3, np.int64(3)])
def test_refuses_a_single_row(pairs, key):
    with pytest.raises(TypeError, match=r"use \[3:4\] for one row"):
        pairs[key]


def test_unknown_names_and_rows(pairs):
    with pytest.raises(KeyError, match="depth"):
        pairs["depth"]
    with pytest.raises(IndexError, match="out of bounds"):
        pairs[[8]]
