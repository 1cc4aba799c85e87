"""What a modality looks like: learned once, checked ever after."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import OneHotEncoder

from mibsk.data import InputSpec

LEARNT = {
    "dense": (np.arange(6.0).reshape(3, 2), False),
    "image": (np.arange(24, dtype=np.uint8).reshape(2, 3, 4), False),
    "frame": (pd.DataFrame({"b": [1.0, 2.0], "a": [3.0, 4.0]}), False),
    "number": (np.array([0.5, 1.5, 2.0]), False),
    "sparse": (sp.random_array((5, 7), density=0.3, rng=np.random.default_rng(0)), False),
    "text": (["a word", "another", ""], False),
    "labels": (["dog", "cat", "dog"], True),
    "digits": (np.array([3, 1, 3, 2]), True),
}


def as_array(X):
    return X.toarray() if sp.issparse(X) else X[:]


@pytest.mark.parametrize("name", LEARNT)
def test_prepare_repeats_what_learn_gave(name):
    X, labels = LEARNT[name]
    spec, prepared = InputSpec.learn(name, X, labels=labels)
    again = spec.prepare(X)
    assert prepared.dtype == again.dtype == spec.dtype
    assert prepared.shape[1:] == spec.shape
    assert sp.issparse(prepared) == spec.is_sparse
    np.testing.assert_array_equal(as_array(again), as_array(prepared))


@pytest.mark.parametrize("name", LEARNT)
def test_travels_through_json(name):
    X, labels = LEARNT[name]
    spec, prepared = InputSpec.learn(name, X, labels=labels)
    other = InputSpec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert other == spec
    assert hash(other) == hash(spec)
    np.testing.assert_array_equal(as_array(other.prepare(X)), as_array(prepared))


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [("u1", "uint8"), ("?", "uint8"), ("f8", "float32"), ("f4", "float32"), ("i8", "float32")],
)
def test_dense_types(dtype, kept):
    X = np.array([[0, 1], [1, 0]], dtype=dtype)
    spec, prepared = InputSpec.learn("a", X)
    assert spec == InputSpec("a", "dense", (2,), kept)
    assert prepared.dtype == kept
    assert prepared.tolist() == [[0, 1], [1, 0]]


def test_one_dimension_is_one_column():
    spec, prepared = InputSpec.learn("age", [30.0, 41.0])
    assert spec.shape == (1,)
    assert prepared.tolist() == [[30.0], [41.0]]


def test_a_table_and_a_tensor_are_dense():
    table = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
    assert InputSpec.learn("t", table)[1].tolist() == [[1.0, 0.5], [2.0, 1.5]]
    assert InputSpec.learn("t", torch.ones(2, 3))[0].shape == (3,)


@pytest.mark.parametrize("at_fit", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("later", [pd.DataFrame, pl.DataFrame])
def test_a_data_frame_is_read_by_name(at_fit, later):
    columns = {"b": [1.0, 2.0], "a": [3.0, 4.0], "c": [5.0, 6.0]}
    spec, prepared = InputSpec.learn("t", at_fit(columns))
    assert spec.columns == ("b", "a", "c")
    frame = later(columns)
    for order in (["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"]):
        np.testing.assert_array_equal(spec.prepare(frame[order]), prepared)
    np.testing.assert_array_equal(spec.prepare(frame.to_numpy()), prepared)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (
            pd.DataFrame({"age": [1], "hight": [2]}),
            r"lacks \['height'\] and has \['hight'\].*'height'\?",
        ),
        (
            pl.DataFrame({"age": [1], "hight": [2]}),
            r"lacks \['height'\] and has \['hight'\].*'height'\?",
        ),
        (pd.DataFrame({"age": [1]}), r"modality 't' lacks \['height'\], unlike the data frame"),
        (
            pd.DataFrame({"height": [1], "age": [1], "mass": [1]}),
            r"modality 't' has \['mass'\], un",
        ),
        (pd.DataFrame([[1, 2, 3]], columns=["age", "age", "height"]), "names that are not unique"),
    ],
)
def test_refuses_other_columns(X, message):
    spec, _ = InputSpec.learn("t", pd.DataFrame({"age": [1.0, 2.0], "height": [1.0, 2.0]}))
    with pytest.raises(ValueError, match=message):
        spec.prepare(X)


def test_names_count_only_where_both_have_them():
    X = np.arange(4.0).reshape(2, 2)
    spec, _ = InputSpec.learn("t", X)
    assert spec.columns == ()
    assert spec.prepare(pd.DataFrame(X, columns=["b", "a"])).tolist() == X.tolist()
    spec, _ = InputSpec.learn("t", pd.DataFrame(X))
    assert spec.columns == ()  # positions, not names
    spec, _ = InputSpec.learn("t", pd.DataFrame(X, columns=["b", "a"]))
    assert spec.prepare(pd.DataFrame(X)).tolist() == X.tolist()


def test_reads_descriptions_written_before_columns_had_names():
    values = InputSpec("t", "dense", (2,)).to_dict()
    del values["columns"]
    assert InputSpec.from_dict(values) == InputSpec("t", "dense", (2,))


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.float64])
def test_a_memory_map_is_described_as_its_batches_will_be(tmp_path, dtype):
    mapped = np.memmap(tmp_path / "X", dtype, "w+", shape=(4, 2))
    spec, prepared = InputSpec.learn("a", mapped)
    in_memory, _ = InputSpec.learn("a", np.array(mapped))
    assert prepared is mapped
    assert spec == in_memory


def test_sparse_rows_keep_their_values_and_sum_repeats():
    X = sp.csr_array(([1.0, 2.0, 4.0], [2, 2, 0], [0, 2, 3]), shape=(2, 3))
    spec, prepared = InputSpec.learn("a", X)
    assert spec == InputSpec("a", "sparse", (3,))
    assert prepared.format == "csr"
    assert prepared.nnz == 2
    assert prepared.toarray().tolist() == [[0, 0, 3], [4, 0, 0]]
    assert X.nnz == 3  # the input is left as it was


def test_dense_rows_pass_where_sparse_ones_were_fitted():
    spec, _ = InputSpec.learn("a", sp.csr_array(np.eye(3)))
    np.testing.assert_array_equal(spec.prepare(2 * np.eye(3)).toarray(), 2 * np.eye(3))


def test_sparse_input_is_not_written_to():
    X = sp.csr_array(np.eye(3, dtype=np.float32))
    _, prepared = InputSpec.learn("a", X)
    assert not np.shares_memory(prepared.data, X.data)


def test_text_is_hashed_as_scikit_learn_does():
    words = np.array(["one word", "two words"], dtype=object)
    spec, prepared = InputSpec.learn("caption", words)
    assert spec == InputSpec("caption", "text", (2**15,))
    vectorizer = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=2**15)
    np.testing.assert_allclose(prepared.toarray(), vectorizer.transform(words).toarray(), rtol=1e-6)


@pytest.mark.parametrize("name", LEARNT)
def test_no_rows_are_prepared_too(name):
    X, labels = LEARNT[name]
    spec, prepared = InputSpec.learn(name, X, labels=labels)
    none = spec.prepare(X[:0])
    assert none.shape == (0, *prepared.shape[1:])
    assert none.dtype == prepared.dtype


def test_labels_are_one_hot_in_sorted_order():
    y = np.array(["dog", "cat", "dog", "ant"])
    spec, prepared = InputSpec.learn("animal", y, labels=True)
    assert spec.classes == ("ant", "cat", "dog")
    expected = OneHotEncoder(sparse_output=False).fit_transform(y[:, None])
    np.testing.assert_array_equal(prepared[:], expected)
    assert spec.prepare(["cat"]).tolist() == [[0, 1, 0]]
    assert spec.prepare(np.array(["cat"], object)).tolist() == [[0, 1, 0]]


def test_classes_are_plain_python_values():
    spec, _ = InputSpec.learn("digit", np.array([2, 0, 2]), labels=True)
    assert spec.classes == (0, 2)
    assert all(type(c) is int for c in spec.classes)
    spec, _ = InputSpec.learn("digit", np.array([np.int64(2), np.int64(0)], object), labels=True)
    assert all(type(c) is int for c in spec.classes)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.array(["a", None], object), ValueError, r"missing labels \(first at row 1; 1 row"),
        (pd.Series([pd.NaT, pd.NaT]), ValueError, "missing labels .first at row 0; 2 row"),
        (
            np.array(["a", 1], object),
            TypeError,
            r"labels of one type.*\['int', 'str'\].*astype\(str\)",
        ),
        (pd.Series(pd.cut([1, 2, 3], 2)), TypeError, "labels of one type.*Interval"),
    ],
)
def test_refuses_labels(y, error, message):
    with pytest.raises(error, match=message):
        InputSpec.learn("y", y, labels=True)


@pytest.mark.parametrize(
    ("fitted", "X", "error", "message"),
    [
        (
            "dense",
            np.ones((2, 3)),
            ValueError,
            r"X has 3 features, but modality 'dense' is exp.* 2",
        ),
        ("dense", np.ones((2, 2, 2)), ValueError, r"rows of shape \(2, 2\), but \(2,\) were seen"),
        ("image", np.ones((2, 3, 5)), ValueError, r"rows of shape \(3, 5\), but \(3, 4\)"),
        ("dense", [[1.0, 2.0], [1.0, np.nan]], ValueError, "'dense' contains NaN .first at row 1"),
        ("dense", [[np.inf, 0.0]], ValueError, "contains infinity .first at row 0"),
        ("dense", sp.csr_array(np.eye(2)), TypeError, r"fitted on dense rows.*X\.toarray\(\)"),
        ("dense", ["a", "b"], TypeError, "fitted on numbers, got strings"),
        ("dense", np.array(["a", "b"], object), TypeError, "fitted on numbers, got strings"),
        ("dense", [["a", "b"]], TypeError, "must hold numbers"),
        ("dense", np.array([[1j, 0]]), ValueError, "Complex data not supported: modality 'dense'"),
        ("dense", np.array([[1, "a"]], object), ValueError, "mixed types.*OneHotEncoder"),
        ("dense", [[1.0, 2.0], [1.0]], ValueError, "rows of one shape.*Pad or crop"),
        ("sparse", sp.csr_array((2, 6)), ValueError, "X has 6 features, .* 'sparse' .* 7 features"),
        (
            "sparse",
            np.ones((2, 7, 1)),
            ValueError,
            r"sparse rows, got an array of shape \(2, 7, 1\)",
        ),
        ("sparse", ["a"], ValueError, "fitted on sparse rows, got an array of shape"),
        ("sparse", sp.csr_array(1j * np.ones((1, 7))), ValueError, "real numbers, got complex128"),
        ("text", np.ones((2, 2)), TypeError, r"fitted on strings, got an array of shape \(2, 2\)"),
        ("text", sp.csr_array(np.eye(2)), TypeError, r"strings, got a sparse matrix of shape"),
        ("text", ["a", "\ud800"], ValueError, r"not valid Unicode, such as .*errors='replace'"),
        ("text", np.array(["a", 1], object), TypeError, "fitted on strings, got .* dtype object"),
        ("labels", ["dog", "emu"], ValueError, r"not seen in fit: \['emu'\]; known .*'cat', 'dog'"),
        ("labels", [["dog", "cat"]], ValueError, r"class labels, got shape \(1, 2\)"),
        ("labels", sp.csr_array(np.eye(2)), ValueError, "1-d array of class labels"),
        ("labels", [1, 2], ValueError, r"not seen in fit: \[1, 2\]"),
        ("digits", ["1"], ValueError, r"not seen in fit: \['1'\]"),
        ("digits", [3, 7], ValueError, r"\[7\]; known are \[1, 2, 3\].*y\.astype\(float\)"),
        ("digits", np.array([3, {}], object), TypeError, "must hold class labels such as"),
        ("dense", [1.0, np.nan], ValueError, "contains NaN"),
        ("digits", [3.0, np.nan], ValueError, r"missing labels \(first at row 1; 1 row"),
    ],
)
def test_refuses_what_differs_from_fit(fitted, X, error, message):
    rows, labels = LEARNT[fitted]
    spec, _ = InputSpec.learn(fitted, rows, labels=labels)
    with pytest.raises(error, match=message):
        spec.prepare(X)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_sparse_errors_name_the_row(value):
    dense = np.eye(5)
    dense[3, :2] = value
    with pytest.raises(ValueError, match=r"first at row 3; 1 row\(s\) affected"):
        InputSpec.learn("counts", sp.csr_array(dense))


@pytest.mark.parametrize("X", [np.empty((3, 0)), sp.csr_array((3, 0))])
def test_refuses_rows_without_features(X):
    with pytest.raises(ValueError, match=r"0 feature\(s\) \(shape=\(3, 0\)\)"):
        InputSpec.learn("a", X)


@pytest.mark.parametrize(("columns", "where"), [("abc", "column 'b'"), (None, "column 1")])
def test_a_column_of_words_is_named(columns, where):
    table = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"], "c": [1, 2]})
    rows = table if columns else table.to_numpy()
    with pytest.raises(ValueError, match=f"mixed types, first in {where} .could not convert"):
        InputSpec.learn("x", rows)


ROWS = {
    "float32": np.ones((2, 3, 4), np.float32),
    "float64": np.linspace(0, 1, 24).reshape(2, 3, 4),
    "another byte order": np.ones((2, 3, 4), ">f4"),
    "not contiguous": np.ones((2, 3, 8), np.float32)[:, :, ::2],
    "Fortran order": np.asfortranarray(np.ones((2, 3, 4))),
    "uint8": np.full((2, 3, 4), 7, np.uint8),
    "bytes of 0 and 1": np.ones((2, 3, 4), np.uint8),
    "booleans": np.ones((2, 3, 4), bool),
    "integers": np.ones((2, 3, 4), int),
    "objects": np.ones((2, 3, 4), object),
    "large": np.full((2, 3, 4), 1e25, np.float32),
    "too large": np.full((2, 3, 4), 1e39),
    "NaN": np.where(np.arange(24).reshape(2, 3, 4) == 5, np.nan, 1.0),
    "infinite": np.where(np.arange(24).reshape(2, 3, 4) == 5, np.inf, 1.0).astype(np.float32),
    "both infinities": np.float32([[[np.inf, -np.inf, 0, 0]] * 3] * 2),
    "no rows": np.ones((0, 3, 4), np.float32),
    "another shape": np.ones((2, 4, 3), np.float32),
    "list": np.ones((2, 3, 4)).tolist(),
    "masked": np.ma.MaskedArray(np.ones((2, 3, 4)), np.zeros((2, 3, 4), bool)),
    "tensor": torch.ones(2, 3, 4),
}
SEEN = {
    "fractions": np.linspace(-1, 1, 24).reshape(2, 3, 4),
    "0 to 1": np.linspace(0, 1, 24).reshape(2, 3, 4),
    "whole": np.arange(-12, 12).reshape(2, 3, 4),
    "bytes": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "bytes of 0 and 1": np.ones((2, 3, 4), np.uint8),
    "booleans": np.ones((2, 3, 4), bool),
}


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("rows", ROWS)
def test_rows_that_are_ready_are_those_that_prepare_returns(seen, rows):
    """Whatever `prepare` refuses is not ready."""
    spec, X = InputSpec.learn("a", SEEN[seen])[0], ROWS[rows]
    try:
        expected = spec.prepare(X)
    except (TypeError, ValueError):
        expected = None
    ready = spec.ready(X, 100)
    if ready is None or expected is None:
        assert ready is None
        return
    assert ready.dtype == expected.dtype
    np.testing.assert_array_equal(ready, expected)


@pytest.mark.parametrize("name", LEARNT)
def test_rows_of_arrays_are_ready(name):
    X, labels = LEARNT[name]
    spec, _ = InputSpec.learn(name, X, labels=labels)
    assert (spec.ready(X, 100) is not None) == (name in ("dense", "image"))


def test_pixels_of_0_to_1_are_ready_unless_they_may_have_another_scale():
    spec, _ = InputSpec.learn("a", SEEN["0 to 1"])
    assert spec.ready(SEEN["0 to 1"][:1], 1) is not None
    assert spec.ready(2 * SEEN["0 to 1"], 100) is None
