"""Files of rows, and of their contents, that are indexed again."""

import numpy as np
import pandas as pd
import pytest

from mibsk.index import index_files, summary

from .test_index_files import ALL


def test_rows_of_a_cut_file_are_removed_whatever_the_options(built, opened, files):
    path = files / "text.csv"
    index_files(built, opened, "text", path, **ALL)
    index_files(built, opened, "text", path, prefix="other ", **ALL)
    table = pd.read_csv(path, dtype=str)
    table[:100].to_csv(path, index=False)
    (done,) = index_files(built, opened, "text", path, id_column="key", columns="text")
    assert (done.n_added, done.n_removed) == (100, 20)
    kept = {row.id for row in built.rows("text", 0, 300)}
    assert kept == {*table["key"][:100], *("other " + table["key"])}


def test_columns_of_one_file_with_ids_of_their_own_stay_beside_each_other(
    built, opened, rows, tmp_path
):
    ids = {"left": [f"l{i}" for i in range(9)], "right": [f"r{i}" for i in range(9)]}
    texts = {"english": rows["text"][:9], "german": rows["text"][9:18]}
    pd.DataFrame({**ids, **texts}).to_csv(tmp_path / "pairs.csv", index=False)
    for key, name in zip(ids, texts, strict=True):
        index_files(built, opened, "text", tmp_path / "pairs.csv", id_column=key, columns=name)
    assert built.modalities()["text"].n_rows == 18


def test_files_of_a_column_of_contents_are_read_again(built, opened, rows, tmp_path):
    names = [f"{i}.ogg" for i in range(4)]
    for name in names:
        (tmp_path / name).write_bytes(b"OggS old")
    table = rows["table"][:4].assign(file=names, n=range(4))
    table.to_parquet(tmp_path / "table.parquet")
    options = {"contents": "file", "metadata": "n"}
    index_files(built, opened, "table", tmp_path / "table.parquet", **options)
    (tmp_path / "2.ogg").write_bytes(b"OggS new")
    (done,) = index_files(built, opened, "table", tmp_path / "table.parquet", **options)
    assert (done.n_added, done.n_there, done.n_updated, done.n_removed) == (0, 4, 1, 0)
    assert summary([done]) == [
        "table.parquet: 0 rows added, 4 there already, contents of 1 updated"
    ]
    found = built.get("table", list("0123"), vectors=True, contents=True)
    assert [row.content.data[-3:] for row in found] == [b"old", b"old", b"new", b"old"]
    assert [row.metadata for row in found] == [{"n": i} for i in range(4)]
    z = opened.embed("table", rows["table"][:4])
    np.testing.assert_allclose([row.vector for row in found], z, rtol=0, atol=1e-6)


def test_a_new_file_of_contents_embeds_no_row_again(built, opened, files, tmp_path):
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    options = {"id_column": "key", "columns": "text", "contents": str(sounds)}
    (sounds / "001.ogg").write_bytes(b"OggS")
    index_files(built, opened, "text", files / "text.csv", **options)
    (sounds / "002.ogg").write_bytes(b"OggS 2")
    (sounds / "001.ogg").unlink()
    (done,) = index_files(built, opened, "text", files / "text.csv", **options)
    assert (done.n_added, done.n_there, done.n_updated) == (0, 120, 2)
    found = built.get("text", ["001", "002"], contents=True)
    assert [row.content for row in found] == [None, (b"OggS 2", "audio/ogg")]


def test_a_folder_of_contents_without_a_file_of_any_row_is_refused(built, opened, files, tmp_path):
    (tmp_path / "photo-001.png").write_bytes(b"\x89PNG")
    with pytest.raises(ValueError, match=r"no file that is named after an id: .* '0'\. Rename"):
        index_files(built, opened, "image", files / "image.npy", contents=str(tmp_path))
    assert built.modalities() == {}
