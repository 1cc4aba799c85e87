"""Groups of equal rows, against a comparison of every row with every other."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk import ClassPairs, Modalities
from mibsk.data import duplicate_groups


def by_brute_force(*modalities):
    """Join rows that are equal in some modality until nothing changes."""
    n = len(modalities[0])
    groups = list(range(n))
    for _ in range(n):
        for rows in modalities:
            for i in range(n):
                for j in range(n):
                    if rows[i] == rows[j]:
                        groups[i] = groups[j] = min(groups[i], groups[j])
    return pd.factorize(np.array(groups))[0].tolist()


ROWS = st.lists(st.integers(0, 9), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(st.data(), ROWS)
def test_rows_that_are_equal_in_some_modality(data, a):
    b = data.draw(st.lists(st.integers(0, 9), min_size=len(a), max_size=len(a)))
    words = [f"word {value}" for value in b]
    found = duplicate_groups({"a": np.array(a, float)[:, None], "b": words})
    assert found.tolist() == by_brute_force(a, b)
    assert duplicate_groups(a).tolist() == by_brute_force(a)
    assert duplicate_groups(words).tolist() == by_brute_force(b)


@pytest.mark.parametrize(
    "cast",
    [
        np.asarray,
        pd.DataFrame,
        sp.csr_array,
        np.ndarray.tolist,
        lambda X: Modalities({"a": X}),
        lambda X: X.reshape(4, 2, 1),
        lambda X: X.astype(np.uint8),
    ],
)
def test_any_container(cast):
    X = np.array([[1.0, 2.0], [3.0, 0.0], [1.0, 2.0], [0.0, 0.0]])
    assert duplicate_groups(cast(X)).tolist() == [0, 1, 0, 2]


def test_rows_that_fit_reads_as_the_same():
    assert duplicate_groups(np.array([[1.0], [1.0 + 1e-12], [5.0]])).tolist() == [0, 0, 1]


def test_a_row_that_lacks_a_modality_equals_no_other_in_it():
    table = np.array([[np.nan] * 2, [1.0, 2.0], [np.nan] * 2, [1.0, 2.0], [3.0, 4.0]])
    words = ["a", None, "b", "c", "a"]
    masked = np.ma.MaskedArray(np.nan_to_num(table).astype(int), np.isnan(table))
    for X in (table, pd.DataFrame(table), sp.csr_array(table), masked):
        assert duplicate_groups(X).tolist() == [0, 1, 2, 1, 3]
        assert duplicate_groups({"x": X, "words": words}).tolist() == [0, 1, 2, 1, 0]
    assert duplicate_groups({"x": table * np.nan, "words": words}).tolist() == [0, 1, 2, 3, 0]
    assert duplicate_groups(table * np.nan).tolist() == [0, 1, 2, 3, 4]


def test_bad_input():
    with pytest.raises(ValueError, match="the same number of rows"):
        duplicate_groups({"a": [[1.0]] * 3, "b": [[1.0]] * 2})
    with pytest.raises(ValueError, match="contains NaN"):
        duplicate_groups([[np.nan, 2.0], [1.0, 3.0]])
    pairs = ClassPairs({"a": ([[1.0], [2.0]], [0, 1]), "b": ([[1.0], [2.0]], [0, 1])})
    with pytest.raises(TypeError, match="ClassPairs have groups already, their classes"):
        duplicate_groups(pairs)
