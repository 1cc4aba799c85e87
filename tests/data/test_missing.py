"""Rows that are missing, in any container."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.data import (
    InputSpec,
    Modalities,
    Presence,
    prepared_chunks,
    present_rows,
    rows_with_missing,
    stack_items,
)

X = np.arange(12.0).reshape(6, 2)
MISSING = [1, 4]
PRESENT = np.array([True, False, True, True, False, True])
HOLED = X.copy()
HOLED[MISSING] = np.nan
TEXT = np.array(["a", None, "c", "d", None, "f"], dtype=object)

DENSE = {
    "float64": HOLED,
    "float32": HOLED.astype(np.float32),
    "Fortran order": np.asfortranarray(HOLED),
    "a view": np.repeat(HOLED, 2, axis=1)[:, ::2],
    "objects": np.where(np.isnan(HOLED), None, HOLED),
    "pd.NA": pd.DataFrame(HOLED).convert_dtypes(),
    "masked": np.ma.MaskedArray(X, np.isnan(HOLED)),
    "masked integers": np.ma.MaskedArray(X.astype(int), np.isnan(HOLED)),
    "list of arrays": [None if i in MISSING else row for i, row in enumerate(X)],
    "list of lists": [None if i in MISSING else row.tolist() for i, row in enumerate(X)],
    "list of NaN": [np.nan if i in MISSING else row for i, row in enumerate(X)],
    "list of rows of NaN": list(HOLED),
    "list of masked arrays": list(np.ma.MaskedArray(X, np.isnan(HOLED))),
    "list of tensors": [None if i in MISSING else torch.tensor(row) for i, row in enumerate(X)],
    "tensor": torch.from_numpy(HOLED),
    "pandas": pd.DataFrame(HOLED),
    "a column of vectors": pd.Series([None if i in MISSING else x for i, x in enumerate(X)]),
    "polars": pl.DataFrame({"a": HOLED[:, 0], "b": HOLED[:, 1]}).fill_nan(None),
    "pyarrow": pa.table({"a": HOLED[:, 0], "b": HOLED[:, 1]}),
    "sparse": sp.csr_array(HOLED),
}


def dense(rows):
    rows = rows.toarray() if sp.issparse(rows) else rows
    return np.asarray(rows, dtype=float)


@pytest.mark.parametrize("kind", DENSE)
def test_dense_rows(kind):
    rows, present = present_rows("a", DENSE[kind])
    np.testing.assert_array_equal(present, PRESENT)
    np.testing.assert_array_equal(dense(rows), X[PRESENT])
    spec, prepared = InputSpec.learn("a", rows)
    np.testing.assert_array_equal(dense(prepared), X[PRESENT].astype(np.float32))
    parts = list(prepared_chunks(spec, DENSE[kind], 2))
    found = np.concatenate([np.arange(6)[numbers] for numbers, _ in parts])
    np.testing.assert_array_equal(found, np.flatnonzero(PRESENT))
    np.testing.assert_array_equal(np.concatenate([dense(part) for _, part in parts]), X[PRESENT])


@pytest.mark.parametrize("kind", DENSE)
def test_they_can_be_selected(kind):
    pairs = Modalities({"a": DENSE[kind]})
    for selected in (pairs[[1, 2, 3]], pairs[1:4]):
        rows, present = present_rows("a", selected["a"])
        assert present.tolist() == [False, True, True]
        np.testing.assert_array_equal(dense(rows), X[[2, 3]])


@pytest.mark.parametrize(
    "given",
    [
        TEXT,
        TEXT.tolist(),
        pd.Series(TEXT),
        pd.Series(TEXT, dtype="string"),
        pd.DataFrame({"t": TEXT}),
        pl.Series(TEXT.tolist()),
        pl.DataFrame({"t": TEXT.tolist()}),
        [np.nan if text is None else text for text in TEXT],
        [pd.NA if text is None else text.encode() for text in TEXT],
        np.ma.MaskedArray(np.array(["a", "b", "c", "d", "e", "f"]), ~PRESENT),
    ],
)
def test_texts(given):
    rows, present = present_rows("a", given)
    np.testing.assert_array_equal(present, PRESENT)
    spec, prepared = InputSpec.learn("a", rows)
    assert spec.kind == "text"
    assert prepared.shape[0] == 4


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float32])
def test_the_type_of_the_others_is_kept(dtype):
    rows = [None if i in MISSING else row for i, row in enumerate(X.astype(dtype))]
    assert present_rows("a", rows)[0].dtype == dtype
    assert rows_with_missing("a", rows).dtype == dtype
    assert Modalities({"a": rows})[:2]["a"].dtype == dtype
    assert stack_items([{"a": row} for row in rows])["a"].dtype == dtype


@settings(max_examples=30, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(1, 3), st.integers(1, 8))
def test_what_is_present_is_all_that_is_left(present, width, size):
    present = np.array(present)
    rows = np.random.default_rng(0).normal(size=(len(present), width)).astype(np.float32)
    given_rows = np.where(present[:, None], rows, np.nan)
    found, mask = present_rows("a", given_rows)
    np.testing.assert_array_equal(found, rows[present])
    assert (mask is None) == present.all()
    spec = InputSpec("a", "dense", (width,))
    whole = np.full(rows.shape, np.nan, np.float32)
    for numbers, part in prepared_chunks(spec, given_rows, size):
        whole[numbers] = part
    np.testing.assert_array_equal(whole, given_rows)


@pytest.mark.parametrize("kind", ["float64", "pandas", "sparse"])
def test_rows_without_missing_ones_are_the_same_object(kind):
    given_rows = {"float64": X, "pandas": pd.DataFrame(X), "sparse": sp.csr_array(X)}[kind]
    rows, present = present_rows("a", given_rows)
    assert present is None
    assert rows is given_rows


def test_a_memory_map(tmp_path):
    written = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", shape=HOLED.shape)
    written[:] = HOLED
    rows, present = present_rows("a", np.load(tmp_path / "a.npy", mmap_mode="r"))
    np.testing.assert_array_equal(present, PRESENT)
    np.testing.assert_array_equal(rows, X[PRESENT])


def test_rows_of_several_axes():
    images = np.zeros((3, 2, 2))
    images[1] = np.nan
    images[2, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"'a' contains NaN \(first at row 2; 1 row"):
        present_rows("a", images)
    rows, present = present_rows("a", images[:2])
    assert present.tolist() == [True, False]
    assert rows.shape == (1, 2, 2)


@pytest.mark.parametrize("given", [[None, None], np.full((2, 3), np.nan), [[None], [None]]])
def test_all_may_be_missing(given):
    rows, present = present_rows("a", given)
    assert len(rows) == 0
    assert present.tolist() == [False, False]


def test_a_single_masked_value_is_no_rows():
    with pytest.raises(ValueError, match="'a' must have one row per sample, got a single value"):
        rows_with_missing("a", np.ma.masked_array(3, mask=True))


def test_a_part_of_a_row_is_masked():
    masked = np.ma.MaskedArray(X, np.isnan(HOLED))
    masked[3, 1] = np.ma.masked
    for given_rows in (masked, list(masked)):
        with pytest.raises(
            ValueError, match=r"'a' has masked values in a part of 1 .*row 3.*impute"
        ):
            present_rows("a", given_rows)


class TestPresence:
    def test_places_and_pairs(self):
        found = Presence.of(["a", "b"], {"a": PRESENT})
        assert found.places["a"].tolist() == [0, -1, 1, 2, -1, 3]
        assert found.pairs.tolist() == np.flatnonzero(PRESENT).tolist()
        assert found.masks["b"].all()

    def test_modalities_that_others_connect(self):
        both = np.array([True, True, False, False])
        one, two = {"a": both, "b": ~both}, {"a": both, "b": ~both, "c": both | ~both}
        with pytest.raises(ValueError, match=r"a modality of \['a'\] and one of \['b'\]"):
            Presence.of(["a", "b"], one).check()
        Presence.of(["a", "b", "c"], two).check()
        Presence.of(["c", "b", "a"], two).check()
