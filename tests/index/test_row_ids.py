"""Ids of rows that are read of files."""

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from mibsk.index import index_files


def found_in(index, opened, table, ids):
    """Whether the index has the embeddings of a table under some ids, and no other rows."""
    found = index.get("table", [str(i) for i in ids], vectors=True)
    z = opened.embed("table", table)
    np.testing.assert_allclose([row.vector for row in found], z, rtol=0, atol=1e-6)
    assert index.modalities()["table"].n_rows == len(found)


def test_a_slice_by_pyarrow_has_no_index_of_pandas(built, opened, rows, tmp_path):
    """It keeps the range of the whole table in its metadata, which pandas ignores too."""
    rows["table"].iloc[100:110].to_parquet(tmp_path / "table.parquet")
    part = pyarrow.parquet.read_table(tmp_path / "table.parquet").slice(2, 3)
    pyarrow.parquet.write_table(part, tmp_path / "part.parquet")
    assert list(pd.read_parquet(tmp_path / "part.parquet").index) == [0, 1, 2]
    index_files(built, opened, "table", tmp_path / "part.parquet")
    found_in(built, opened, rows["table"].iloc[102:105], range(3))
    pyarrow.parquet.write_table(part, tmp_path / "other.parquet")
    with pytest.raises(ValueError, match=r"has rows of part\.parquet already"):
        index_files(built, opened, "table", tmp_path / "other.parquet")


def test_parts_of_one_table_keep_their_index_in_any_order(built, opened, rows, tmp_path):
    table, first, last = rows["table"][:10], tmp_path / "first.parquet", tmp_path / "last.parquet"
    table[:5].to_parquet(first)
    table[5:].to_parquet(last)
    for files in ([last, first], [first, last], last):
        index_files(built, opened, "table", files)
        found_in(built, opened, table, range(10))
    table[5:].reset_index(drop=True).to_parquet(last)  # each counts from 0: numbers of rows
    index_files(built, opened, "table", [last, first])
    found_in(built, opened, pd.concat([table[5:], table[:5]]), range(10))


def test_numbers_do_not_replace_rows_of_files_with_an_index(built, opened, rows, tmp_path):
    rows["table"][3:8].to_parquet(tmp_path / "a.parquet")
    index_files(built, opened, "table", tmp_path / "a.parquet")
    rows["table"][100:105].to_parquet(tmp_path / "b.parquet")
    rows["table"][:5].to_parquet(tmp_path / "c.parquet")
    with pytest.raises(ValueError, match=r"has rows of a\.parquet already.*rows of c\.parquet may"):
        index_files(built, opened, "table", [tmp_path / "b.parquet", tmp_path / "c.parquet"])
    found_in(built, opened, rows["table"][3:8], range(3, 8))


def test_numbers_with_the_prefix_of_another_file_are_refused(built, opened, rows, tmp_path):
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", rows["image"][:10])
    index_files(built, opened, "image", tmp_path / "a.npy", prefix="x/")
    with pytest.raises(ValueError, match=r"has rows of a\.npy already.*another prefix"):
        index_files(built, opened, "image", tmp_path / "b.npy", prefix="x/")
    index_files(built, opened, "image", tmp_path / "b.npy", prefix="y/")
    assert built.modalities()["image"].n_rows == 20


def test_a_file_that_is_given_twice_is_refused(built, opened, files):
    with pytest.raises(ValueError, match=r"image\.npy is given 2 times"):
        index_files(built, opened, "image", [files / "image.npy", files / "image.npy"])


def test_whole_numbers_that_pandas_keeps_as_floats_are_whole_ids(built, opened, rows, tmp_path):
    table = rows["table"][:3].assign(key=[7.0, 8.0, None])[:2]
    table.to_parquet(tmp_path / "table.parquet", index=False)
    index_files(built, opened, "table", tmp_path / "table.parquet", id_column="key")
    found_in(built, opened, rows["table"][:2], [7, 8])
    text = pd.DataFrame({"key": [7.0, 8.0], "text": rows["text"][:2]})
    text.to_csv(tmp_path / "text.csv", index=False)
    index_files(built, opened, "text", tmp_path / "text.csv", id_column="key")
    assert [row.id for row in built.rows("text")] == ["7", "8"]
    table.iloc[::-1].set_index("key").to_parquet(tmp_path / "index.parquet")
    index_files(built, opened, "table", tmp_path / "index.parquet")
    found_in(built, opened, rows["table"][:2], [7, 8])
    nan = pyarrow.table({"key": [7.0, float("nan")], "text": ["a", "b"]})
    pyarrow.parquet.write_table(nan, tmp_path / "nan.parquet")
    with pytest.raises(ValueError, match="has no 'key' in row 1"):
        index_files(built, opened, "text", tmp_path / "nan.parquet", id_column="key")
