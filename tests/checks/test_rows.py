"""Input checks of data: accepted containers, and the messages for others."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk._checks import rows as _validation
from mibsk._checks.parameters import check_names, check_scalar, suggest
from mibsk._checks.rows import (
    as_dense,
    as_rows,
    check_embeddings,
    check_finite,
    check_same_length,
    n_rows,
    to_float32,
)
from mibsk._checks.text import is_text


def test_suggest_names_the_nearest():
    assert suggest("imge", ["text", "image"]) == " Did you mean 'image'?"
    assert suggest("zzz", ["text", "image"]) == ""
    assert suggest(3, ["text"]) == ""


class TestCheckScalar:
    @pytest.mark.parametrize("value", [0, 0.5, np.float32(2), np.int64(3), 1e300])
    def test_lets_numbers_in_range_pass(self, value):
        check_scalar("beta", value, low=0)

    @pytest.mark.parametrize("value", [True, np.True_, "1", None, [1]])
    def test_refuses_other_types(self, value):
        with pytest.raises(TypeError, match=f"beta must be .*number.* {type(value).__name__}"):
            check_scalar("beta", value, low=0)

    def test_refuses_a_fraction_where_an_integer_is_due(self):
        check_scalar("k", np.int32(3), low=1, integer=True)
        with pytest.raises(TypeError, match=r"k must be an integer, got 2\.0 of type float"):
            check_scalar("k", 2.0, low=1, integer=True)

    @pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf, -math.inf])
    def test_refuses_what_is_out_of_range(self, value):
        with pytest.raises(ValueError, match=f"beta must be a finite number >= 0, got {value}"):
            check_scalar("beta", value, low=0)

    def test_bounds(self):
        check_scalar("p", 0.0, low=0, high=1)
        with pytest.raises(ValueError, match="> 0 and < 1, got 0"):
            check_scalar("p", 0.0, low=0, high=1, strict=True)
        with pytest.raises(ValueError, match=">= 0 and < 1, got 1"):
            check_scalar("p", 1.0, low=0, high=1)


def test_names_are_strings():
    check_names(["image", "text"])
    with pytest.raises(TypeError, match="modality names must be strings, got 1"):
        check_names(["image", 1])


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((3, 2)),
        [[1], [2], [3]],
        ["a", "b", "c"],
        ("a", "b", "c"),
        torch.zeros(3, 2, 2),
        pd.DataFrame({"a": [1, 2, 3]}),
        pd.Series([1, 2, 3]),
        sp.csr_array(np.eye(3)),
    ],
)
def test_n_rows_of_everything_that_has_rows(X):
    assert n_rows("image", X) == 3
    assert as_rows("image", X).shape[0] == 3


@pytest.mark.parametrize("X", ["abc", b"abc", {"a": 1}, {1, 2}, None, 5, (i for i in range(3))])
@pytest.mark.parametrize("function", [n_rows, as_rows])
def test_refuses_what_has_no_rows(function, X):
    message = f"modality 'image' must be an array.*one entry per row, got {type(X).__name__}"
    with pytest.raises(TypeError, match=message):
        function("image", X)


@pytest.mark.parametrize("X", [np.array(3.0), np.float64(3), torch.tensor(3)])
@pytest.mark.parametrize("function", [n_rows, as_rows])
def test_refuses_a_single_value(function, X):
    with pytest.raises(ValueError, match="one row per sample, got a single value"):
        function("image", X)


def test_same_length_returns_it_or_names_each():
    assert check_same_length({"image": 4, "text": 4}) == 4
    with pytest.raises(ValueError, match=r"'image' has 4, 'text' has 5.*mibsk\.ClassPairs"):
        check_same_length({"image": 4, "text": 5})


class TestAsRows:
    def test_passes_arrays_as_they_are(self):
        X = np.zeros((3, 2))
        assert as_rows("a", X) is X

    def test_reads_tables_tensors_and_lists(self):
        table = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
        expected = np.array([[1.0, 3.0], [2.0, 4.0]])
        np.testing.assert_array_equal(as_rows("a", table), expected)
        np.testing.assert_array_equal(as_rows("a", expected.tolist()), expected)
        tensor = torch.from_numpy(expected).requires_grad_()
        np.testing.assert_array_equal(as_rows("a", tensor), expected)

    def test_reads_bfloat16_tensors(self):
        rows = as_rows("a", torch.tensor([[1.5], [2.0]], dtype=torch.bfloat16))
        assert rows.dtype == np.float32
        assert rows.tolist() == [[1.5], [2.0]]

    def test_reads_what_only_offers_an_array(self):
        class Wrapped:
            def __array__(self, dtype=None, copy=None):
                return np.arange(6.0).reshape(3, 2)

        assert n_rows("a", Wrapped()) == 3
        assert as_rows("a", Wrapped()).tolist() == [[0, 1], [2, 3], [4, 5]]

    @pytest.mark.parametrize("kind", ["coo", "csc", "lil", "dok", "bsr", "dia"])
    def test_sparse_becomes_csr(self, kind):
        X = sp.eye_array(3).asformat(kind)
        assert as_rows("a", X).format == "csr"

    def test_refuses_one_dimensional_sparse(self):
        with pytest.raises(ValueError, match=r"two dimensions, got shape \(3,\)"):
            as_rows("a", sp.coo_array(np.ones(3)))

    def test_strings_are_kept_as_they_are(self):
        texts = ["a", "a longer one" * 1000, np.str_("b")]
        rows = as_rows("a", texts)
        assert rows.tolist() == texts
        assert rows.nbytes == 3 * 8  # not three times the longest

    def test_numbers_among_strings_stay_numbers(self):
        rows = as_rows("a", ["a", 1.5])
        assert rows.tolist() == ["a", 1.5]
        with pytest.raises(ValueError, match="mixed types"):
            as_dense("a", rows)

    def test_refuses_rows_of_unequal_shape(self):
        with pytest.raises(ValueError, match=r"modality 'strokes' .*one shape.*Pad or crop"):
            as_rows("strokes", [[1, 2], [1, 2, 3]])

    @pytest.mark.parametrize("widths", [(4, 6), (4, 6, 4)])
    def test_a_list_of_modalities_is_told_apart_from_rows(self, widths):
        views = [np.zeros((9, width)) for width in widths]
        with pytest.raises(ValueError, match=r"pass a mapping: \{'a': X1, 'b': X2\}"):
            as_rows("x", views)
        ragged = [np.zeros((length, 3)) for length in (5, 7)]
        with pytest.raises(ValueError, match=r"Pad or crop them first\.$"):
            as_rows("strokes", ragged)


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (np.array(["a", "b"]), True),
        (np.array(["a", "b"], dtype=object), True),
        (np.array(["a", 1], dtype=object), False),
        (np.array(["a", None], dtype=object), False),
        (np.array([["a"], ["b"]]), False),
        (np.array([1.0]), False),
        (sp.csr_array(np.eye(2)), False),
    ],
)
def test_is_text(X, expected):
    assert is_text(X) is expected


class TestAsDense:
    @pytest.mark.parametrize("dtype", ["f8", "f4", "f2", ">f4", "i8", "i4", "u2", "O"])
    def test_numbers_become_float32(self, dtype):
        X = as_dense("a", np.array([[1, 2], [3, 4]], dtype=dtype))
        assert X.dtype == np.float32
        assert X.dtype.isnative
        assert X.tolist() == [[1.0, 2.0], [3.0, 4.0]]

    def test_pixels_and_float32_are_not_copied(self):
        for X in (np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.float32)):
            assert as_dense("a", X) is X

    def test_booleans_become_uint8(self):
        X = as_dense("a", np.array([[True, False]]))
        assert X.dtype == np.uint8
        assert X.tolist() == [[1, 0]]

    def test_one_dimension_becomes_one_column(self):
        assert as_dense("a", np.arange(3.0)).shape == (3, 1)

    def test_leaves_the_input_unchanged(self):
        X = np.array([[1.0, 2.0]])
        as_dense("a", X)[0, 0] = 9
        assert X[0, 0] == 1.0

    @pytest.mark.parametrize(
        ("X", "error", "message"),
        [
            (np.array([[1j]]), ValueError, "Complex data not supported: modality 'a'"),
            (np.array([["a", "b"]]), TypeError, r"one string per row; got shape \(1, 2\)"),
            (np.array([["a", 1]], object), ValueError, "mixed types.*OneHotEncoder"),
            (np.array([[1, {}]], object), TypeError, "mixed types"),
            (np.array(["2020-01-01"], "M8[D]"), TypeError, r"dtype datetime64\[D\]"),
            (np.zeros((3, 0)), ValueError, r"0 feature\(s\) \(shape=\(3, 0\)\)"),
            (np.zeros((3, 2, 0)), ValueError, "minimum of 1 is required"),
            (np.array([[1.0, None]], object), ValueError, "contains NaN"),
            (np.array([[1.0, pd.NA]], object), ValueError, "contains NaN"),
        ],
    )
    def test_refuses_with_a_reason(self, X, error, message):
        with pytest.raises(error, match=message):
            as_dense("a", X)

    def test_rows_of_a_part_keep_their_number(self):
        for X in (np.array([[0.0], [np.nan]]), np.array([[0.0], [np.nan]], np.float32)):
            with pytest.raises(ValueError, match="first at row 1000003; at least 1 row"):
                as_dense("a", X, first_row=1_000_002)

    @pytest.mark.parametrize(
        ("value", "what"),
        [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity"), (1e39, "too large")],
    )
    @pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 2, 2)])
    def test_names_the_first_bad_row(self, value, what, shape):
        X = np.zeros(shape)
        X[2], X[4] = value, value
        with pytest.raises(ValueError, match=rf"'a' contains .*{what}.*row 2; 2 row\(s\)"):
            as_dense("a", X)


class TestMemoryMap:
    @pytest.fixture
    def make(self, tmp_path):
        def make(values):
            mapped = np.memmap(tmp_path / "X", values.dtype, "w+", shape=values.shape)
            mapped[:] = values
            return mapped

        return make

    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.bool_, np.int16])
    def test_stays_one(self, make, dtype):
        X = make(np.ones((4, 2), dtype))
        assert as_dense("a", X) is X

    @pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (1e300, "too large")])
    def test_is_checked_in_every_chunk(self, make, value, what):
        X = make(np.zeros((9000, 1)))
        X[8500] = value
        with pytest.raises(ValueError, match=rf"{what}.*row 8500; 1 row\(s\)"):
            as_dense("a", X)

    def test_all_bad_rows_are_counted(self, make, monkeypatch):
        monkeypatch.setattr(_validation, "_CHUNK_VALUES", 100)
        X = make(np.zeros((900, 3), np.float32))
        X[[850, 250, 251], 1] = np.inf
        with pytest.raises(ValueError, match=r"infinity \(first at row 250; 3 row\(s\)"):
            as_dense("a", X)


class TestCheckFinite:
    def test_a_sum_that_overflows_is_not_mistaken_for_infinity(self):
        check_finite("a", np.full((10, 10), 3e38, np.float32))
        check_finite("a", np.full((10, 10), 6e4, np.float16))
        check_finite("a", np.array([[1e38], [-1e38]]))

    @pytest.mark.parametrize("value", [1e39, -1e300, np.finfo(float).max])
    def test_numbers_that_float32_cannot_hold(self, value):
        with pytest.raises(ValueError, match=r"too large for float32 \(first at row 1; 1 row"):
            check_finite("a", np.array([[1.0], [value]]))

    def test_integers_pass(self):
        check_finite("a", np.array([[1, 2]]))

    def test_sparse_rows_are_counted_as_rows(self):
        dense = np.zeros((6, 5))
        dense[0] = 1.0
        dense[3, [1, 4]] = np.nan
        dense[5, 0] = np.inf
        with pytest.raises(ValueError, match=r"contains NaN \(first at row 3; 2 row\(s\)"):
            check_finite("a", sp.csr_array(dense))

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 19), st.integers(0, 3)), min_size=1, max_size=5),
        st.sampled_from([np.inf, np.nan, -np.inf]),
        st.none() | st.integers(0, 100),
        st.integers(1, 90),
    )
    def test_dense_and_sparse_agree_on_the_rows(self, places, value, first_row, chunk):
        X = np.random.default_rng(0).random((20, 4)) + 0.5
        for place in places:
            X[place] = value
        rows = {row for row, _ in places}
        what = f"contains {'NaN' if np.isnan(value) else 'infinity'}"
        where = f"first at row {min(rows) + (first_row or 0)}"
        count = f"{'' if first_row is None else 'at least '}{len(rows)} row"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_validation, "_CHUNK_VALUES", chunk)
            for form in (X, X.reshape(20, 2, 2), sp.csr_array(X)):
                with pytest.raises(ValueError, match=f"{what} .{where}; {count}"):
                    check_finite("a", form, first_row)


class TestCheckEmbeddings:
    ROWS = np.array([[1.0, 2.0], [0.0, 0.0], [-7.5e30, 3.0], [9.0, 1.0]])
    Z = np.full((4, 2), np.sqrt(0.5), np.float32)

    def test_finite_ones_pass(self):
        check_embeddings("a", self.Z, self.ROWS)
        check_embeddings("a", self.Z[:0], self.ROWS[:0])
        check_embeddings("a", np.full((1024, 64), -1.0, np.float32), self.ROWS)

    @pytest.mark.parametrize("cast", [np.asarray, sp.csr_array])
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize(("row", "size"), [(1, "0"), (2, r"7\.5e\+30"), (3, "9")])
    @pytest.mark.parametrize("numbers", [slice(100, 104), np.arange(100, 104)])
    def test_the_first_other_one_is_named(self, cast, value, row, size, numbers):
        z = self.Z.copy()
        z[row:, 1] = value
        message = (
            f"encoder of modality 'a' gave NaN for row {100 + row}, whose values reach {size} in"
        )
        with pytest.raises(ValueError, match=message):
            check_embeddings("a", z, cast(self.ROWS), numbers)


def test_to_float32_gives_no_warning_and_a_copy():
    X = np.array([1e300, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        converted = to_float32(X)
    assert converted.tolist() == [np.inf, 1.0]
    same = np.ones(2, np.float32)
    assert not np.shares_memory(to_float32(same), same)


@pytest.mark.parametrize("value", [1j, np.complex64(1j)])
def test_complex_numbers_among_objects_are_refused(value):
    with pytest.raises(ValueError, match="Complex data not supported"):
        as_dense("image", np.array([[1.0], [value], [None]], dtype=object))


def test_masked_values_are_refused_and_an_empty_mask_is_dropped():
    X = np.ma.masked_less([[1.0], [-1.0]], 0)
    with pytest.raises(ValueError, match="modality 'a' has masked values: fill them"):
        as_rows("a", X)
    assert type(as_rows("a", np.ma.MaskedArray([[1.0]]))) is np.ndarray


@pytest.mark.parametrize("mode", ["P", "CMYK", "HSV"])
def test_images_whose_numbers_are_no_brightnesses_are_refused(mode):
    Image = pytest.importorskip("PIL.Image")
    pictures = [Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")]
    assert _validation.as_rows("image", pictures).shape == (2, 4, 4, 3)
    pictures[1] = pictures[1].convert(mode)
    with pytest.raises(ValueError, match=rf"mode '{mode}' in row 1.*convert\('RGB'\)"):
        _validation.as_rows("image", pictures)
