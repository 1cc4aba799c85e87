"""Vectors in the cells of a column or in a list become one array."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from mibsk._checks.matrices import as_matrix
from mibsk._checks.rows import as_dense, as_rows
from mibsk._checks.vector_cells import stack_cells, stack_rows

M = np.random.default_rng(0).normal(size=(6, 3))


def in_all_forms(rows):
    """Return form -> the same vectors of three numbers; None stands for a missing one."""
    pa = pytest.importorskip("pyarrow")
    rows = [None if row is None else [float(value) for value in row] for row in rows]
    arrays = [None if row is None else np.array(row) for row in rows]
    tensors = [None if row is None else torch.tensor(row, dtype=torch.float64) for row in rows]
    leaves = [None if t is None else t.clone().requires_grad_() for t in tensors]
    lists, fixed = pa.list_(pa.float64()), pa.list_(pa.float64(), 3)
    forms = {
        "list of lists": rows,
        "list of arrays": arrays,
        "list of tensors": tensors,
        "list of tensors with gradient": leaves,
        "series of lists": pd.Series(rows),
        "series of arrays": pd.Series(arrays),
        "series of tensors": pd.Series(tensors),
        "objects": pd.Series(arrays).to_numpy(),
        "column of objects": pd.Series(arrays).to_numpy()[:, None],
        "data frame": pd.DataFrame({"vector": rows}),
        "ArrowDtype": pd.Series(rows, dtype=pd.ArrowDtype(lists)),
        "List of polars": pl.Series(rows),
        "data frame of polars": pl.DataFrame({"vector": rows}),
        "pyarrow": pa.array(rows, lists),
        "chunks of pyarrow": pa.chunked_array([rows[:2], rows[2:]], lists),
        "table of pyarrow": pa.table({"vector": rows}),
    }
    if all(row is None or len(row) == 3 for row in rows):
        forms |= {
            "Array of polars": pl.Series(rows, dtype=pl.Array(pl.Float64, 3)),
            "FixedSizeList": pa.array(rows, fixed),
            "FixedSizeList of pandas": pd.Series(rows, dtype=pd.ArrowDtype(fixed)),
        }
    return forms


@pytest.mark.parametrize("form", in_all_forms(M))
def test_vectors_in_any_form(form):
    vectors = in_all_forms(M)[form]
    for rows in (as_rows("image", vectors), as_matrix(vectors, "X")):
        assert rows.dtype == np.float64
        np.testing.assert_array_equal(rows, M)


@pytest.mark.parametrize("form", in_all_forms([[1.0], [1.0, 2.0]]))
def test_the_row_of_another_length_is_named(form):
    vectors = in_all_forms([*M[:4], M[4, :2], M[5]])[form]
    message = r"{} must have rows of one shape, got \(3,\) at row {} and \(2,\) at row {}\. Pad"
    with pytest.raises(ValueError, match=message.format("modality 'image'", 10, 14)):
        as_rows("image", vectors, 10)
    with pytest.raises(ValueError, match=message.format("X", 0, 4)):
        as_matrix(vectors, "X")


@pytest.mark.parametrize("form", in_all_forms(M))
@pytest.mark.parametrize("row", [0, 3])
def test_a_missing_vector_is_a_row_of_nan(form, row):
    vectors = in_all_forms([*M[:row], None, *M[row:]])[form]
    with pytest.raises(ValueError, match=rf"'image' contains NaN \(first at row {row}; 1 row"):
        as_dense("image", as_rows("image", vectors))
    with pytest.raises(ValueError, match=rf"NaN .* in 1 of 7 rows, first in row {row} "):
        as_matrix(vectors, "X")


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.int64, np.float32, np.float16])
def test_the_type_of_the_vectors_is_kept(dtype):
    X = (9 * M).astype(dtype)
    for form in (list(X), pd.Series(list(X)), list(torch.from_numpy(X))):
        rows = as_rows("image", form)
        assert rows.dtype == dtype
        np.testing.assert_array_equal(rows, X)


def test_tensors_of_bfloat16_become_float32():
    T = torch.from_numpy(M).bfloat16()
    np.testing.assert_array_equal(as_rows("image", list(T)), T.float().numpy())


def test_images_in_cells():
    X = np.random.default_rng(0).normal(size=(4, 2, 3))
    for form in (pd.Series(list(X)), pd.Series(X.tolist()), pl.Series(X), X.tolist()):
        np.testing.assert_array_equal(as_rows("image", form), X)


def test_lists_of_unequal_length_within_a_row():
    with pytest.raises(ValueError, match=r"'image' .* lists of unequal length within row 1"):
        as_rows("image", pd.Series([[[1], [2]], [[1], [2, 3]]]))


def test_strings_stay_strings_beside_missing_ones():
    assert stack_rows("text", ["a", None, "b"]).tolist() == ["a", None, "b"]
    assert stack_rows("text", ["a", "b"]).tolist() == ["a", "b"]
    mixed = stack_rows("text", ["a", 1.5])
    assert mixed.dtype == object
    assert mixed.tolist() == ["a", 1.5]


@pytest.mark.parametrize(
    "X",
    [M, M[:, :1], pd.DataFrame(M), np.array(["a", "b"], object), [1.0, 2.0], None, pd.Series([1])],
)
def test_other_input_stays_as_it_is(X):
    assert stack_cells("x", X) is X


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4)])
def test_nested_lists_of_a_parquet_file(tmp_path, shape):
    pytest.importorskip("pyarrow")
    X = np.arange(5 * np.prod(shape)).reshape(5, *shape)
    pd.DataFrame({"image": X.tolist()}).to_parquet(tmp_path / "rows.parquet")
    cells = pd.read_parquet(tmp_path / "rows.parquet")  # arrays of arrays
    np.testing.assert_array_equal(stack_cells("x", cells), X)
    cells.loc[2, "image"] = None
    assert np.isnan(stack_cells("x", cells)[2]).all()
    cells.loc[2, "image"] = cells.loc[1, "image"][:1]
    with pytest.raises(ValueError, match="rows of one shape"):
        stack_cells("x", cells)


def test_nested_lists_of_unequal_length():
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.zeros(3), np.zeros(2)]
    cells = pd.DataFrame({"image": [ragged, ragged]})
    with pytest.raises(ValueError, match="lists of unequal length within row 0"):
        stack_cells("x", cells)


def test_vectors_beside_numbers_are_refused():
    table = pd.DataFrame({"age": M[:, 0], "vector": list(M)})
    with pytest.raises(ValueError, match="'x' has a column of vectors beside others: pass the vec"):
        as_dense("x", as_rows("x", table))
