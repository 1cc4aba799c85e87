"""Columns of tables: by name in data frames, by position in arrays."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from mibsk.data._columns import by_name, column_names, take_columns

COLUMNS = {"b": [1.0, 2.0], "a": [3.0, 4.0]}
FRAMES = {"pandas": pd.DataFrame(COLUMNS), "polars": pl.DataFrame(COLUMNS)}


@pytest.mark.parametrize("kind", FRAMES)
def test_names_of_a_frame(kind):
    assert column_names(FRAMES[kind]) == ("b", "a")


@pytest.mark.parametrize(
    "X",
    [
        np.eye(2),
        sp.csr_array(np.eye(2)),
        [[1.0, 2.0]],
        None,
        pd.DataFrame(np.eye(2)),
        pd.DataFrame(np.eye(2), columns=["a", 1]),
        pd.DataFrame(np.eye(2), columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])),
        pd.Series([1, 2], index=["columns", "b"]),
        pl.Series([1, 2]),
    ],
)
def test_nothing_else_has_names(X):
    assert column_names(X) == ()
    assert by_name(X, ("b", "a")) is X


@pytest.mark.parametrize("kind", FRAMES)
def test_by_name(kind):
    frame = FRAMES[kind]
    assert by_name(frame, ("b", "a")) is frame
    assert column_names(by_name(frame, np.array(["a", "b"], object))) == ("a", "b")
    assert frame["b"].to_list() == [1.0, 2.0]
    for other in ((), ("a",), ("a", "c"), ("a", "b", "c"), ("a", "a")):
        assert by_name(frame, other) is frame


def test_names_that_repeat_stay_where_they_are():
    frame = pd.DataFrame(np.eye(3), columns=["a", "a", "b"])
    assert by_name(frame, ("b", "a", "a")) is frame


@pytest.mark.parametrize("kind", FRAMES)
def test_take_from_a_frame(kind):
    frame = FRAMES[kind]
    assert take_columns(frame, [0], ["a"]).to_numpy().tolist() == [[3.0], [4.0]]
    assert take_columns(frame, [1, 0]).to_numpy().tolist() == [[3.0, 1.0], [4.0, 2.0]]


@pytest.mark.parametrize(
    ("positions", "is_view"),
    [([0], True), ([1, 2, 3], True), ([0, 2, 4], True), ([2, 1], False), ([0, 1, 4], False)],
)
def test_take_from_an_array(positions, is_view):
    X = np.arange(10).reshape(2, 5)
    taken = take_columns(X, positions, ["ignored"])
    assert taken.tolist() == X[:, positions].tolist()
    assert np.shares_memory(taken, X) == is_view
