"""Strings of any type and container become Python or NumPy strings in one dimension."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mibsk._checks.labels import as_factors, as_labels
from mibsk._checks.rows import as_rows
from mibsk._checks.text import check_none_missing, is_text

WORDS = ["one", "tWo", "drei é", "", "one"]
STRING_DTYPE = np.dtypes.StringDType(na_object=None)


def in_all_forms(words):
    """Return form -> the same strings; None stands for a missing one."""
    pa = pytest.importorskip("pyarrow")
    encoded = [None if word is None else word.encode() for word in words]
    half = len(words) // 2
    forms = {
        "list": words,
        "tuple": tuple(words),
        "objects": np.array(words, object),
        "column of objects": np.array(words, object)[:, None],
        "list of lists": [[word] for word in words],
        "list of bytes": encoded,
        "objects of bytes": np.array(encoded, object),
        "StringDType": np.array(words, STRING_DTYPE),
        "column of StringDType": np.array(words, STRING_DTYPE)[:, None],
        "series": pd.Series(words),
        "series of objects": pd.Series(words, dtype=object),
        "series of bytes": pd.Series(encoded),
        "string": pd.Series(words, dtype="string"),
        "ArrowDtype": pd.Series(words, dtype=pd.ArrowDtype(pa.string())),
        "categories": pd.Series(words, dtype="category"),
        "categories of bytes": pd.Series(encoded, dtype="category"),
        "Categorical": pd.Categorical(words),
        "index": pd.Index(words),
        "data frame": pd.DataFrame({"word": words}),
        "data frame of polars": pl.DataFrame({"word": words}),
        "series of polars": pl.Series(words),
        "categories of polars": pl.Series(words, dtype=pl.Categorical),
        "binary of polars": pl.Series(encoded, dtype=pl.Binary),
        "pyarrow": pa.array(words),
        "large strings of pyarrow": pa.array(words, pa.large_string()),
        "dictionary of pyarrow": pa.array(words).dictionary_encode(),
        "binary of pyarrow": pa.array(encoded),
        "chunks of pyarrow": pa.chunked_array([words[:half], words[half:]], pa.string()),
        "table of pyarrow": pa.table({"word": words}),
    }
    if None not in words:
        forms |= {
            "array": np.array(words),
            "column": np.array(words)[:, None],
            "bytes": np.array(encoded),
            "bytearrays": [bytearray(word) for word in encoded],
            "NumPy strings": list(map(np.str_, words)),
        }
    return forms


@pytest.mark.parametrize("form", in_all_forms(WORDS))
def test_strings_in_any_form(form):
    words = in_all_forms(WORDS)[form]
    rows = as_rows("text", words)
    assert is_text(rows)
    assert rows.tolist() == WORDS
    assert as_labels(words, len(WORDS), "labels").tolist() == WORDS


@pytest.mark.parametrize("form", in_all_forms(["a", None]))
def test_missing_strings_in_any_form(form):
    words = in_all_forms(["a", "b", "c", None, "d", None])[form]
    rows = as_rows("text", words)
    assert rows.shape == (6,)
    message = r"modality 'text' has missing values among its strings \(first at row 13; at least 2"
    with pytest.raises(ValueError, match=message):
        check_none_missing("text", rows, 10)
    with pytest.raises(ValueError, match=r"2 missing label\(s\), first in row 3 \(counted"):
        as_labels(words, 6, "labels")


@pytest.mark.parametrize("missing", [None, np.nan, float("nan"), pd.NA, pd.NaT])
def test_every_mark_of_a_missing_string(missing):
    with pytest.raises(ValueError, match=r"first at row 1; 1 row\(s\) affected\): drop these rows"):
        check_none_missing("text", as_rows("text", ["a", missing]))
    with pytest.raises(ValueError, match="1 missing label"):
        as_labels(["a", missing, "b"], 3, "labels")


@pytest.mark.parametrize("words", [["a", "b"], [], [1.0, np.nan], [None, None]])
def test_nothing_is_missing_among_strings(words):
    check_none_missing("text", as_rows("text", words))


@pytest.mark.parametrize(
    "X",
    [
        np.array([["a", "b"]]),
        np.array([["a", "b"]], object),
        np.array([[1.0], [2.0]], object),
        np.zeros((3, 1)),
        np.array([b"a"] * 2).reshape(1, 2),
    ],
)
def test_other_arrays_stay_as_they_are(X):
    assert as_rows("x", X) is X


def test_bytes_that_are_no_text():
    with pytest.raises(ValueError, match=r"modality 'photo' has bytes that are not UTF-8 .*x89PNG"):
        as_rows("photo", [b"\x89PNG\r\n", b"\x89PNG\xff"])
    with pytest.raises(ValueError, match=r"labels has bytes that are not UTF-8"):
        as_labels(np.array([b"\xff", b"a"]), 2, "labels")


def test_numbers_in_a_column_are_labels():
    column = np.array([[1], [2], [1]])
    for labels in (column, pd.DataFrame(column), column.tolist()):
        assert as_labels(labels, 3, "labels").tolist() == [1, 2, 1]


def test_masked_labels_are_refused():
    with pytest.raises(ValueError, match="labels has masked values"):
        as_labels(np.ma.masked_equal([1, 2, 3], 2), 3, "labels")


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_factors_in_any_table(name):
    pa = pytest.importorskip("pyarrow")
    make = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}[name]
    factors = as_factors(make({"digit": [1, 2, 1], "word": ["a", "b", "b"]}), 3, "labels")
    assert {key: column.tolist() for key, column in factors.items()} == {
        "digit": [1, 2, 1],
        "word": ["a", "b", "b"],
    }


def test_a_series_without_a_name_is_the_factor_label():
    assert list(as_factors(pl.Series(["a", "b"]), 2, "labels")) == ["label"]
    assert list(as_factors(pd.Series([1, 2], name=0), 2, "labels")) == [0]
