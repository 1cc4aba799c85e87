"""Rows that occur more than once, against a comparison of every row with every other."""

import itertools
import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mibsk.data import _duplicates
from mibsk.data._duplicates import Duplicates, duplicate_rows, warn_duplicates
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.files import memory_map as _memory_map

NONE = Duplicates(0, None, 0.0)


def by_brute_force(rows):
    """Compare every row, as a hashable value, with every other."""
    n = len(rows)
    equal = [(i, j) for i, j in itertools.combinations(range(n), 2) if rows[i] == rows[j]]
    involved = {row for pair in equal for row in pair}
    probability = len(equal) / math.comb(n, 2) if n > 1 else 0.0
    return len(involved), min(equal, default=None), pytest.approx(probability, rel=1e-12)


def bytes_of(X):
    return [row.tobytes() for row in X]


# few different values, so that rows repeat
VALUES = {
    np.float32: st.sampled_from([0.0, -0.0, 1.0, 2.0, 1.5]),
    np.float64: st.sampled_from([0.0, 1.0, 1e300]),
    np.uint8: st.integers(0, 2),
    np.bool_: st.booleans(),
    np.int64: st.integers(-1, 1),
    np.float16: st.sampled_from([0.0, 1.0]),
}
SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=20)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(VALUES)).flatmap(
        lambda dtype: hnp.arrays(dtype, SHAPES, elements=VALUES[dtype])
    ),
    st.integers(1, 2**10),
)
def test_dense_rows_equal_brute_force(X, chunk_bytes):
    before = X.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_duplicates, "_CHUNK_BYTES", chunk_bytes)
        assert duplicate_rows(X) == by_brute_force(bytes_of(X))
    np.testing.assert_array_equal(X, before)


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 20), st.integers(1, 4)),
        elements=st.sampled_from([0.0, 0.0, 1.0, 2.0]),
    ),
    st.integers(1, 2**10),
)
def test_sparse_rows_equal_dense_ones(X, chunk_bytes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_duplicates, "_CHUNK_BYTES", chunk_bytes)
        assert duplicate_rows(sp.csr_array(X)) == by_brute_force(bytes_of(X))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "", "a longer one"]), min_size=1, max_size=12))
@pytest.mark.parametrize("dtype", [object, str])
def test_strings_equal_brute_force(dtype, texts):
    assert duplicate_rows(np.array(texts, dtype)) == by_brute_force(texts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=15), st.integers(0, 3))
def test_rows_that_share_a_hash_are_compared(values, n_hashes):
    X = np.array(values, np.float32)[:, None]
    with pytest.MonkeyPatch.context() as patch:

        def keys(self, rows=None):
            chosen = X[:, 0] if rows is None else X[rows, 0]
            return (chosen % (n_hashes + 1)).astype(np.uint64)

        patch.setattr(_duplicates._DenseRows, "keys", keys)
        assert duplicate_rows(X) == by_brute_force(values)


@pytest.mark.parametrize("cast", [np.asarray, sp.csr_array])
def test_by_hand(cast):
    X = np.arange(12, dtype=np.float32).reshape(6, 2)
    assert duplicate_rows(cast(X)) == NONE
    X[4] = X[1]
    X[5] = X[1]
    X[3] = X[0]
    # two pairs of row 0, six of row 1, among 30 ordered pairs
    assert duplicate_rows(cast(X)) == (5, (0, 3), 8 / 30)


@pytest.mark.parametrize("n", [0, 1])
def test_no_pair_of_rows(n):
    assert duplicate_rows(np.zeros((n, 3), np.float32)) == NONE
    assert duplicate_rows(sp.csr_array((n, 3), dtype=np.float32)) == NONE


def test_rows_of_a_sparse_matrix_are_equal_however_they_are_stored():
    indptr = [0, 2, 4, 7, 7]
    indices = [0, 2, 2, 0, 2, 0, 2]
    values = np.array([1, 3, 3, 1, 1, 1, 2], np.float32)
    X = sp.csr_array((values, indices, indptr), shape=(4, 3))
    stored = X.copy()
    assert duplicate_rows(X) == (3, (0, 1), 6 / 12)
    np.testing.assert_array_equal(X.indices, stored.indices)
    X.data[2:4] = 0  # stored zeros: row 1 is empty now, as row 3 is
    assert duplicate_rows(X) == (4, (0, 2), 4 / 12)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda X: X[::-1][::-1], lambda X: X])
def test_any_memory_layout(layout):
    X = np.tile(np.arange(10, dtype=np.float32)[:, None], (2, 3))
    assert duplicate_rows(layout(X)) == (20, (0, 10), 20 / 380)


def test_probability_is_the_share_of_false_negatives():
    """Count equal rows beside each row of random batches."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 7, size=(60, 1)).astype(np.float32)
    batches = [X[rng.permutation(60)[:16], 0] for _ in range(4000)]
    beside = np.mean([(batch[:, None] == batch).sum(1) - 1 for batch in batches])
    assert duplicate_rows(X).probability * 15 == pytest.approx(beside, rel=0.02)


# low entropy in the high bits of each word, where a sum of products is weakest
@pytest.mark.parametrize("n_columns", [2, 4, 10])
@pytest.mark.parametrize("odd_alone", [False, True])
def test_few_different_rows_share_a_thorough_hash(n_columns, odd_alone):
    X = np.random.default_rng(0).integers(0, 200, (20_000, n_columns)).astype(np.float32)
    if odd_alone:
        X[:, ::2] = 1
    n_different = len(np.unique(X, axis=0))
    keys = _duplicates._DenseRows(X).keys(np.arange(len(X)))
    assert n_different - len(np.unique(keys)) <= 2


def test_memory_map_is_read_from_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(_memory_map, "_SMALLEST_FILE", 1)
    X = np.random.default_rng(0).random((500, 3))
    X[[7, 400]] = X[20]
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", X.dtype, "r", shape=X.shape)
    assert duplicate_rows(mapped) == (3, (7, 20), 6 / (500 * 499))


class TestWarning:
    def test_says_which_rows_and_what_they_do(self):
        X = np.arange(20, dtype=np.float32)[:, None]
        X[17] = X[3]
        message = (
            r"modality 'image': 2 of 20 rows occur more than once \(first: rows 3 and 17\)\. .*"
            r": 0\.037 false negatives per pair and batch\. .*ClassPairs.*DuplicateRowsWarning"
        )
        with pytest.warns(DuplicateRowsWarning, match=message):
            warn_duplicates("image", X, batch_size=8)  # 7 * 2 / 380

    @pytest.mark.parametrize("batch_size", [-1, 20, 128])
    def test_a_batch_holds_no_more_than_all_rows(self, batch_size):
        X = np.zeros((20, 1), np.float32)
        with pytest.warns(DuplicateRowsWarning, match=": 19 false negatives per pair"):
            warn_duplicates("image", X, batch_size)

    def test_is_silent_where_no_row_repeats(self):
        warn_duplicates("image", np.arange(20.0)[:, None], batch_size=8)
