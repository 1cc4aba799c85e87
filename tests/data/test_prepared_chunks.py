"""Rows prepared a few at a time are those prepared all at once, and keep their numbers."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch

from mibsk.data import InputSpec
from mibsk.data._prepared_chunks import prepared_chunks
from mibsk.files import memory_map as _memory_map

N, SIZE = 230, 100
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4))
COUNTS = sp.random_array((N, 6), density=0.4, rng=0, format="csr")
LABELS = RNG.choice(["cat", "dog", "cow"], size=N)
FRAME = pd.DataFrame(X, columns=list("abcd"))

CONTAINERS = {
    "float64": X,
    "float32": X.astype(np.float32),
    "uint8": (X * 10 + 100).astype(np.uint8),
    "booleans": X > 0,
    "images": X.reshape(N, 2, 2),
    "columns backwards": X[:, ::-1],
    "Fortran order": np.asfortranarray(X),
    "one dimension": X[:, 0],
    "objects": X.astype(object),
    "list": X.tolist(),
    "tuple": tuple(X),
    "tensor": torch.from_numpy(X),
    "CSR": COUNTS,
    "COO": COUNTS.tocoo(),
    "strings": LABELS,
    "list of strings": LABELS.tolist(),
    "pandas": FRAME,
    "pandas, several types": FRAME.assign(e=X[:, 0] > 0, f=np.arange(N)),
    "pandas, other row labels": FRAME.set_index(np.arange(N)[::-1]),
    "pandas Series": FRAME["a"],
    "pandas Series of strings": pd.Series(LABELS),
    "polars": pl.DataFrame(X, schema=list("abcd")),
    "polars Series": pl.Series(LABELS.tolist()),
}


def spec_of(rows, **kwargs):
    return InputSpec.learn("image", rows, **kwargs)[0]


def dense(prepared):
    return prepared.toarray() if sp.issparse(prepared) else prepared


def check_chunks(spec, rows, expected):
    chunks = list(prepared_chunks(spec, rows, SIZE))
    assert [(chunk.start, chunk.stop) for chunk, _ in chunks] == [(0, 100), (100, 200), (200, 230)]
    for chunk, prepared in chunks:
        assert prepared.dtype == expected.dtype
        np.testing.assert_array_equal(dense(prepared), dense(expected)[chunk])


@pytest.mark.parametrize("rows", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container(rows):
    spec = spec_of(rows)
    check_chunks(spec, rows, spec.prepare(rows))


def test_labels():
    spec = spec_of(LABELS, labels=True)
    check_chunks(spec, LABELS, spec.prepare(LABELS))


def test_columns_of_a_data_frame_are_read_by_name():
    check_chunks(spec_of(FRAME), FRAME[list("dbca")], spec_of(FRAME).prepare(FRAME))


@pytest.mark.parametrize("smallest_file", [1, 2**26])
def test_memory_map(tmp_path, monkeypatch, smallest_file):
    monkeypatch.setattr(_memory_map, "_SMALLEST_FILE", smallest_file)
    rows = X.astype(np.float32)
    rows.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", np.float32, "r", shape=X.shape)
    check_chunks(spec_of(rows), mapped, rows)


def test_arrays_are_not_copied():
    rows = X.astype(np.float32)
    for _, prepared in prepared_chunks(spec_of(rows), rows, SIZE):
        assert np.shares_memory(prepared, rows)


@pytest.mark.parametrize("n", [0, 1, SIZE, SIZE + 1])
@pytest.mark.parametrize("rows", [X, COUNTS], ids=["dense", "sparse"])
def test_any_number_of_rows(rows, n):
    found = sum(len(dense(part)) for _, part in prepared_chunks(spec_of(rows), rows[:n], SIZE))
    assert found == n


def test_no_rows_are_checked_too():
    with pytest.raises(ValueError, match="X has 3 features"):
        list(prepared_chunks(spec_of(X), X[:0, :3], SIZE))


@pytest.mark.parametrize("cast", [np.asarray, sp.csr_array, np.ndarray.tolist])
@pytest.mark.parametrize(
    ("value", "what"), [(np.nan, "NaN"), (np.inf, "infinity"), (1e300, "too large")]
)
def test_bad_rows_are_named_by_their_number(cast, value, what):
    rows = X.copy()
    rows[[150, 151, 229], 2] = value
    message = rf"modality 'image' contains .*{what}.* \(first at row 150; at least 2 row\(s\)"
    with pytest.raises(ValueError, match=message):
        list(prepared_chunks(spec_of(cast(X)), cast(rows), SIZE))
    with pytest.raises(ValueError, match=r"first at row 0; 2 row\(s\)"):
        list(prepared_chunks(spec_of(cast(X)), cast(rows[150:200]), SIZE))


def test_a_bad_row_in_dense_rows_of_a_sparse_modality():
    rows = X.copy()
    rows[150, 1] = np.nan
    with pytest.raises(ValueError, match="first at row 150"):
        list(prepared_chunks(spec_of(sp.csr_array(X)), rows, SIZE))
