"""Indexes that are built from files of rows."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mibsk.bundle import Display
from mibsk.data import InputSpec
from mibsk.index import (
    content_of,
    embed_queries,
    index_files,
    parse_where,
    summary,
)
from mibsk.index._content import media_type_of

ALL = {"id_column": "key", "metadata": ["group", "word"]}


def test_files_of_every_kind(built, opened, files, rows):
    for name, suffix in (("image", "npy"), ("text", "csv"), ("table", "parquet")):
        options = {} if name == "image" else ALL
        (done,) = index_files(
            built, opened, name, files / f"{name}.{suffix}", batch_size=50, **options
        )
        assert (done.n_added, done.n_there, done.n_missing) == (120, 0, 0)
        ids = [str(i) if name == "image" else f"{i:03d}" for i in range(120)]
        found = built.get(name, ids, vectors=True, contents=True)
        z = opened.embed(name, rows[name])
        np.testing.assert_allclose([row.vector for row in found], z, rtol=0, atol=1e-6)
        assert [row.id for row in built.rows(name, 0, 200)] == ids
        if name != "image":
            assert [row.metadata["group"] for row in found] == [i % 4 for i in range(120)]
            assert [row.metadata["word"] for row in found] == ["a", None, "b's"] * 40
        content = found[5].content
        if name == "text":
            assert content.data.decode() == rows["text"][5]
        elif name == "table":
            assert json.loads(content.data) == rows["table"].iloc[5].to_dict()
        else:
            assert content.media_type == "image/png"
    assert {name: each.n_rows for name, each in built.modalities().items()} == {
        "image": 120,
        "table": 120,
        "text": 120,
    }
    queries = opened.embed("text", rows["text"][:9])
    hits = built.search("table", queries, 5, where={"group": 1, "word": ["a", "b's"]})
    assert all(h.metadata["group"] == 1 and h.metadata["word"] for each in hits for h in each)


def test_rows_that_are_there_are_not_embedded_again(built, opened, files, monkeypatch):
    embedded = []
    embed = opened.embed

    def count(name, X):
        embedded.append(len(X))
        if len(embedded) == 3:
            raise KeyboardInterrupt
        return embed(name, X)

    monkeypatch.setattr(opened, "embed", count)
    with pytest.raises(KeyboardInterrupt):
        index_files(built, opened, "text", files / "text.csv", batch_size=50, **ALL)
    assert built.modalities()["text"].n_rows == 100
    (done,) = index_files(built, opened, "text", files / "text.csv", batch_size=50, **ALL)
    assert (done.n_added, done.n_there, embedded) == (20, 100, [50, 50, 20, 20])
    (done,) = index_files(built, opened, "text", files / "text.csv", batch_size=7, **ALL)
    assert (done.n_added, done.n_there, len(embedded)) == (0, 120, 4)
    assert built.modalities()["text"].n_rows == 120
    # a row that was deleted comes back, other metadata is added again
    built.delete("text", ["007"])
    (done,) = index_files(built, opened, "text", files / "text.csv", **ALL)
    assert (done.n_added, done.n_there) == (1, 119)
    (done,) = index_files(
        built, opened, "text", files / "text.csv", id_column="key", columns="text"
    )
    assert (done.n_added, done.n_there) == (120, 0)
    assert built.modalities()["text"].n_rows == 120


def test_missing_rows_are_left_out(built, opened, rows, tmp_path):
    table = rows["table"].copy()
    table.iloc[[3, 60]] = np.nan
    table.to_parquet(tmp_path / "table.parquet")
    (done,) = index_files(built, opened, "table", tmp_path / "table.parquet", batch_size=50)
    assert (done.n_added, done.n_missing) == (118, 2)
    with pytest.raises(ValueError, match="no row '3'"):
        built.get("table", ["3"])
    (done,) = index_files(built, opened, "table", tmp_path / "table.parquet", batch_size=50)
    assert (done.n_added, done.n_there, done.n_missing) == (0, 118, 2)


def test_numbers_of_rows_do_not_replace_those_of_other_files(built, opened, rows, tmp_path):
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", rows["image"][:10])
    index_files(built, opened, "image", [tmp_path / "a.npy"])
    with pytest.raises(ValueError, match=r"has rows of a\.npy already.*prefix"):
        index_files(built, opened, "image", tmp_path / "b.npy")
    index_files(built, opened, "image", tmp_path / "b.npy", prefix="b/")
    assert built.modalities()["image"].n_rows == 20
    assert built.get("image", ["b/9"])[0].id == "b/9"


def test_numbers_go_on_from_file_to_file(built, opened, rows, tmp_path):
    for name, part in (("a", slice(0, 10)), ("b", slice(10, 15))):
        np.save(tmp_path / f"{name}.npy", rows["image"][part])
    done = index_files(built, opened, "image", [tmp_path / "a.npy", tmp_path / "b.npy"])
    assert [each.n_added for each in done] == [10, 5]
    assert [row.id for row in built.rows("image")] == [str(i) for i in range(15)]


def test_contents_of_files_and_of_columns(built, opened, files, rows, tmp_path):
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    (sounds / "001.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEdata")
    index_files(
        built, opened, "text", files / "text.csv", id_column="key", columns="text",
        contents=str(sounds),
    )  # fmt: skip
    first = built.get("text", ["000", "001"], contents=True)
    assert first[0].content is None
    assert first[1].media_type == "audio/wav"
    table = rows["table"].assign(sound=[b"OggS" + bytes([i]) for i in range(120)])
    table.to_parquet(tmp_path / "sound.parquet")
    index_files(built, opened, "table", tmp_path / "sound.parquet", contents="sound")
    assert built.get("table", ["7"], contents=True)[0].content == (b"OggS\x07", "audio/ogg")
    paths = rows["table"].assign(file=["sounds/001.wav"] * 119 + ["sounds/none.wav"])
    paths.to_csv(tmp_path / "paths.csv", index=False)
    with pytest.raises(ValueError, match=r"none\.wav is no file: give paths relative"):
        index_files(built, opened, "table", tmp_path / "paths.csv", contents="file", prefix="p")
    paths.iloc[:119].to_csv(tmp_path / "paths.csv", index=False)
    index_files(built, opened, "table", tmp_path / "paths.csv", contents="file", prefix="p")
    assert built.get("table", ["p118"])[0].media_type == "audio/wav"


def test_types_of_metadata_in_csv(built, opened, rows, tmp_path):
    table = pd.DataFrame(
        {
            "text": rows["text"][:3],
            "n": [1, None, 3],
            "day": ["2026-01-31", "2026-02-01T12:00:00+01:00", None],
            "country": ["NA", "de", "fr"],
        }
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    index_files(built, opened, "text", tmp_path / "t.csv", metadata=["n", "day", "country"])
    assert built.modalities()["text"].columns == {
        "n": "integer",
        "day": "datetime",
        "country": "string",
    }
    assert [row.metadata for row in built.rows("text")][:2] == [
        {"n": 1, "day": "2026-01-31T00:00:00Z", "country": "NA"},
        {"n": None, "day": "2026-02-01T11:00:00Z", "country": "de"},
    ]


def test_bad_files(built, opened, files, rows, tmp_path):
    def refused(message, modality, *paths, **options):
        with pytest.raises((TypeError, ValueError), match=message):
            index_files(built, opened, modality, [files / path for path in paths], **options)

    refused("no modality 'txt'.*mean 'text'", "txt", "text.csv")
    refused("pass at least one", "text")
    refused("no column 'kye'.*mean 'key'", "text", "text.csv", id_column="kye")
    refused("no columns to choose .* write a Parquet file", "image", "image.npy", metadata="group")
    refused(
        r"has 4 columns \('key', 'group', 'word', …\), but modality 'text' is one column of text: "
        "name it with --columns",
        "text",
        "text.csv",
    )
    refused("both be|same id '0'|same id", "text", "text.csv", "text.csv", **ALL)
    refused("have the same id", "text", "text.csv", id_column="group", columns="text")
    np.save(files / "wrong.npy", rows["image"][:, :4])
    refused(r"wrong\.npy: .*shape", "image", "wrong.npy")
    assert built.modalities() == {}
    pd.DataFrame({"key": ["a", None], "text": ["x", "y"]}).to_csv(files / "n.csv", index=False)
    refused("has no 'key' in row 1", "text", "n.csv", id_column="key")


def test_a_bundle_of_another_model_is_refused(built, opened, files, model, monkeypatch):
    monkeypatch.setattr(type(opened), "digest", "b" * 64)
    with pytest.raises(ValueError, match="embeddings of another model"):
        index_files(built, opened, "image", files / "image.npy")


@pytest.mark.parametrize(
    ("shape", "axes", "low", "high"),
    [
        ((4, 5), "HW", 0, 255),
        ((4, 5, 3), "HWC", 0.0, 1.0),
        ((3, 4, 5), "CHW", -1.0, 1.0),
        ((1, 4, 5), "CHW", 0, 1),
    ],
)
def test_pictures_have_the_pixels_of_the_row(tmp_path, shape, axes, low, high):
    grey = np.random.default_rng(0).integers(0, 256, shape)
    row = low + (high - low) * grey / 255
    spec = InputSpec("image", "dense", shape, pixels="real")
    content = content_of(row, spec, Display("image", axes, low, high))
    (tmp_path / "x.png").write_bytes(content.data)
    pixels = np.asarray(Image.open(tmp_path / "x.png"))
    expected = np.moveaxis(grey, 0, -1).squeeze() if axes == "CHW" else grey
    np.testing.assert_array_equal(pixels, expected)


def test_rows_of_other_kinds():
    spec = InputSpec("t", "dense", (2,), columns=("a", "b"))
    table = content_of([1.5, float("nan")], spec, Display("table"))
    assert json.loads(table.data) == {"a": 1.5, "b": "nan"}
    assert content_of("naïve", spec, Display("text")).data.decode() == "naïve"
    assert content_of([1, 2], spec, Display("audio")) is None
    assert media_type_of(b"\x89PNG\r\n") == "image/png"
    assert media_type_of("é".encode()).startswith("text/plain")
    assert media_type_of(b"\xff\xfe\xfd") == "application/octet-stream"


def test_queries_are_text_or_rows_of_files(opened, files, rows):
    names, z = embed_queries(opened, "text", ["red square", "blue"])
    assert (names, z.shape) == (["red square", "blue"], (2, opened.manifest.n_components))
    names, z = embed_queries(opened, "image", [str(files / "image.npy")])
    assert (names[3], len(z)) == ("image.npy, row 3", 120)
    np.testing.assert_allclose(z, opened.embed("image", rows["image"]), rtol=0, atol=1e-6)


def test_conditions_of_a_command():
    columns = {"a": "string", "n": "integer", "x": "number", "b": "boolean", "d": "datetime"}
    assert parse_where(["a=it's", "a=", "n>=2", "n<9", "b=true", "x!=0.5"], columns) == {
        "a": ["it's", ""],
        "n": {"gte": 2, "lt": 9},
        "b": [True],
        "x": {"ne": 0.5},
    }
    assert parse_where(["d>2026-01-31"], columns) == {"d": {"gt": "2026-01-31"}}
    assert parse_where(["a=x=y"], columns) == {"a": ["x=y"]}
    for text, message in (
        ("a", "is no condition"),
        ("c=1", "no column 'c'"),
        ("n=x", "'n' contains values that are of type integer, got 'x'"),
        ("b=yes", "true or false, got 'yes'"),
    ):
        with pytest.raises(ValueError, match=message):
            parse_where([text], columns)
    with pytest.raises(ValueError, match="choose one"):
        parse_where(["n=1", "n>2"], columns)
    with pytest.raises(ValueError, match="twice"):
        parse_where(["n>1", "n>2"], columns)


def test_pictures_in_the_cells_of_a_parquet_file(tmp_path):
    """Such a cell is an array of arrays."""
    pixels = np.arange(12, dtype=np.uint8).reshape(4, 3)
    pd.DataFrame({"pixels": [pixels.tolist()]}).to_parquet(tmp_path / "rows.parquet")
    cell = pd.read_parquet(tmp_path / "rows.parquet")["pixels"][0]
    spec, display = (
        InputSpec("image", "dense", (4, 3), "uint8", pixels="byte"),
        Display("image", "HW"),
    )
    assert content_of(cell, spec, display) == content_of(pixels, spec, display)


def test_rows_in_a_column_of_lists(built, opened, rows, tmp_path):
    ids = [f"{i:03d}" for i in range(120)]
    table = pd.DataFrame({"key": ids, "image": rows["image"].tolist(), "year": range(120)})
    table.to_parquet(tmp_path / "image.parquet")
    index_files(
        built, opened, "image", tmp_path / "image.parquet", id_column="key", metadata="year"
    )
    (hit,) = built.search("image", opened.embed("image", rows["image"][7:8]), k=1)[0]
    assert (hit.id, hit.metadata) == ("007", {"year": 7})


def test_numbers_of_files_that_changed_are_those_of_their_rows(built, opened, rows, tmp_path):
    a, b = tmp_path / "a.npy", tmp_path / "b.npy"
    X = rows["image"]
    np.save(a, X[:10])
    np.save(b, X[10:15])
    index_files(built, opened, "image", [a, b])
    np.save(a, X[20:33])  # 3 rows more: those of b move
    index_files(built, opened, "image", [a, b])
    expected = opened.embed("image", np.concatenate([X[20:33], X[10:15]]))
    found = built.get("image", [str(i) for i in range(18)], vectors=True)
    np.testing.assert_allclose([row.vector for row in found], expected, atol=1e-6)
    np.save(a, X[:4])
    done = index_files(built, opened, "image", [b, a])
    assert [each.n_removed for each in done] == [5, 4]
    expected = opened.embed("image", np.concatenate([X[10:15], X[:4]]))
    found = built.get("image", [str(i) for i in range(9)], vectors=True)
    np.testing.assert_allclose([row.vector for row in found], expected, atol=1e-6)
    assert built.modalities()["image"].n_rows == 9


def test_rows_that_became_missing_are_removed(built, opened, rows, tmp_path):
    table = rows["table"].copy()
    table.to_parquet(tmp_path / "table.parquet")
    index_files(built, opened, "table", tmp_path / "table.parquet")
    table.iloc[3] = np.nan
    table.to_parquet(tmp_path / "table.parquet")
    (done,) = index_files(built, opened, "table", tmp_path / "table.parquet")
    assert (done.n_missing, done.n_removed) == (1, 1)
    assert summary([done])[0].endswith("1 missing, left out, 1 no longer in it removed")
    with pytest.raises(ValueError, match="no row '3'"):
        built.get("table", ["3"])


@pytest.mark.parametrize("part", [slice(100, 110), slice(0, 20, 2), slice(None, None, -1)])
def test_the_index_of_pandas_may_be_a_range(built, opened, rows, tmp_path, part):
    table = rows["table"].iloc[part]
    table.to_parquet(tmp_path / "table.parquet")
    index_files(built, opened, "table", tmp_path / "table.parquet")
    ids = [str(i) for i in table.index]
    found = built.get("table", ids, vectors=True)
    expected = opened.embed("table", table)
    np.testing.assert_allclose([row.vector for row in found], expected, atol=1e-6)


def test_a_file_of_the_same_name_elsewhere_is_another(built, opened, rows, tmp_path):
    for folder in "pq":
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "x.npy", rows["image"][:10])
    index_files(built, opened, "image", tmp_path / "p" / "x.npy")
    with pytest.raises(ValueError, match=r"has rows of x\.npy already.*prefix"):
        index_files(built, opened, "image", tmp_path / "q" / "x.npy")


def test_files_of_contents_may_change_and_stay_in_their_folder(
    built, opened, files, rows, tmp_path
):
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    options = {"id_column": "key", "columns": "text", "contents": str(sounds)}
    (sounds / "001.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEold")
    index_files(built, opened, "text", files / "text.csv", **options)
    (sounds / "001.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEnewer")
    index_files(built, opened, "text", files / "text.csv", **options)
    assert built.get("text", ["001"], contents=True)[0].content.data.endswith(b"newer")
    (sounds / "001.ogg").write_bytes(b"OggS")
    with pytest.raises(ValueError, match=r"001\.ogg and 001\.wav, which would both be shown"):
        index_files(built, opened, "text", files / "text.csv", **options)
    outside = rows["table"].assign(file="../secret.txt")
    outside.to_csv(tmp_path / "outside.csv", index=False)
    with pytest.raises(ValueError, match="not in the folder of the rows: copy the files"):
        index_files(built, opened, "table", tmp_path / "outside.csv", contents="file")
