"""Files of rows become files of embeddings, whole or not at all, once."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mibsk import CanonicalBottleneck, IBAligner
from mibsk.cli import main
from mibsk.embedding import embed_files
from mibsk.exceptions import NotInstalledError


def embed(*arguments):
    return CliRunner().invoke(main, ["embed", *map(str, arguments)])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_embeds_files_of_all_kinds_and_keeps_what_identifies_the_rows(
    models, aligner, X, table
):
    table.to_parquet("a.parquet", index=False)
    table.to_csv("b.csv", index=False)
    done = embed(
        models / "aligner.safetensors",
        "a.parquet",
        "b.csv",
        "out",
        "--modality",
        "audio",
        "--id",
        "key",
    )
    assert done.exit_code == 0, done.output
    assert "2 file(s): 2 embedded (400 rows), 0 up to date, 0 failed" in done.output
    expected = aligner.embed(X)["audio"]
    for name in ("a", "b"):
        found = pd.read_parquet(f"out/{name}.parquet")
        assert list(found.columns[:2]) == ["key", "audio_0"]
        assert (found["key"] == table["key"]).all()
        np.testing.assert_allclose(found.iloc[:, 1:], expected, rtol=0, atol=1e-6)
        joined = table.merge(found, on="key")
        assert len(joined) == len(table)


def test_an_index_is_kept_and_arrays_become_arrays(models, aligner, X, table):
    rows = table.drop(columns="key")
    rows.set_axis(table["key"].rename(None)).to_parquet("named.parquet")
    rows.set_axis(pd.RangeIndex(7, 207)).astype(np.float32).to_csv("numbered.csv")
    np.save("array.npy", X["audio"])
    files = ["named.parquet", "numbered.csv", "array.npy"]
    done = embed_files(
        models / "aligner.safetensors", files, "out", modality="audio", batch_size=64
    )
    assert [outcome.status for outcome in done] == ["embedded"] * 3
    named, numbered = (pd.read_parquet(outcome.target) for outcome in done[:2])
    assert list(named.index) == list(table["key"])
    assert named.index.name is None
    assert list(numbered.index) == list(range(7, 207))
    expected = aligner.embed(X)["audio"]
    np.testing.assert_allclose(named, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(numbered, expected, rtol=0, atol=1e-6)
    array = np.load(done[2].target, mmap_mode="r")
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, expected, rtol=0, atol=1e-6)


def test_lists_texts_and_named_columns(models, X, table, aligner):
    pd.DataFrame({"id": range(200), "vector": list(X["audio"])}).to_parquet("lists.parquet")
    (done,) = embed_files(
        models / "aligner.safetensors", ["lists.parquet"], "out", modality="audio", ids=["id"]
    )
    expected = aligner.embed(X)["audio"]
    np.testing.assert_allclose(pd.read_parquet(done.target).iloc[:, 1:], expected, atol=1e-6)

    data = {"text": [f"word {i} NA" for i in range(40)], "code": np.eye(40)}
    data["text"][3] = "NA"
    model = IBAligner(encoders="network", bottleneck=None, max_epochs=1, random_state=0).fit(data)
    model.save("texts.safetensors")
    pd.DataFrame({"text": data["text"]}).to_csv("texts.csv", index=False)
    (done,) = embed_files("texts.safetensors", ["texts.csv"], "out", modality="text")
    found = pd.read_parquet(done.target)
    np.testing.assert_allclose(found, model.embed(data)["text"], atol=1e-6)

    frame = table.drop(columns="key")
    both = IBAligner(
        {"low": ["v", "w"], "high": ["x", "y", "z"]}, max_epochs=1, random_state=0
    ).fit(frame)
    both.save("columns.safetensors")
    table.to_parquet("table.parquet")  # with columns that the modality does not have
    (done,) = embed_files("columns.safetensors", ["table.parquet"], "out", modality="high")
    expected = both.embed(frame)["high"]
    np.testing.assert_allclose(pd.read_parquet(done.target), expected, atol=1e-6)

    np.save("array.npy", frame[["x", "y", "z"]])  # without names, and without a warning
    (done,) = embed_files("columns.safetensors", ["array.npy"], "out", modality="high")
    np.testing.assert_allclose(np.load(done.target), expected, atol=1e-6)

    table.rename(columns={"y": "y_"}).to_parquet("renamed.parquet")
    (done,) = embed_files("columns.safetensors", ["renamed.parquet"], "out", modality="high")
    assert done.status == "failed"
    assert "lacks 1 of the 3 columns of modality 'high': 'y'." in done.reason
    assert done.reason.endswith("Did you mean 'y_'?")


def test_rows_that_are_missing_and_files_without_rows(models, X, table):
    table.iloc[2, 1:] = np.nan
    table.to_parquet("some.parquet", index=False)
    table.iloc[:0].to_parquet("none.parquet", index=False)
    done = embed_files(
        models / "audio.onnx", ["some.parquet", "none.parquet"], "out", ids=["key"], batch_size=50
    )
    some, none = (pd.read_parquet(outcome.target) for outcome in done)
    assert some.iloc[:, 1:].isna().all(axis=1).tolist() == [i == 2 for i in range(200)]
    assert none.shape == (0, some.shape[1])


def test_a_canonical_bottleneck_keeps_its_precision(X):
    model = CanonicalBottleneck().fit(X)
    model.save("canonical.safetensors")
    np.save("rows.npy", X["image"])
    (done,) = embed_files("canonical.safetensors", ["rows.npy"], "out", modality="image")
    expected = model.encoder("image").transform(X["image"])
    found = np.load(done.target)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_finished_files_are_skipped_and_those_that_have_changed_embedded_again(models, X):
    np.save("a.npy", X["audio"])
    pd.DataFrame(X["audio"]).rename(columns=str).to_parquet("b.parquet")
    arguments = [models / "audio.onnx", "a.npy", "b.parquet", "out"]
    assert "2 embedded" in embed(*arguments).output
    written = {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    again = embed(*arguments)
    assert "0 embedded (0 rows), 2 up to date, 0 failed" in again.output
    assert {path: path.stat().st_mtime_ns for path in Path("out").iterdir()} == written

    np.save("a.npy", X["audio"][:10])
    found = embed(*arguments)
    assert "a.npy: embedded again (rows changed)" in found.output
    assert "1 embedded (10 rows), 1 up to date" in found.output
    assert len(np.load("out/a.npy")) == 10

    aligner = IBAligner(max_epochs=1, random_state=1).fit(X)
    aligner.save("other.safetensors")
    found = embed("other.safetensors", *arguments[1:], "--modality", "audio")
    assert "b.parquet: embedded again (model changed)" in found.output
    np.testing.assert_allclose(np.load("out/a.npy"), aligner.embed(X)["audio"][:10], atol=1e-6)


def test_a_process_that_was_killed_while_writing_leaves_a_file_that_is_done_again(models, X):
    np.save("a.npy", X["audio"])
    embed_files(models / "audio.onnx", ["a.npy"], "out")
    Path("out/a.npy.json").write_text("{}")  # as it is while the array is written
    Path("out/.a.npy.0123.tmp").write_bytes(b"half")
    (done,) = embed_files(models / "audio.onnx", ["a.npy"], "out")
    assert done.status == "embedded"
    assert sorted(os.listdir("out")) == ["a.npy", "a.npy.json"]
    assert json.loads(Path("out/a.npy.json").read_text())["modality"] == "audio"


def test_an_array_that_was_cut_off_later_is_embedded_again(models, X):
    np.save("a.npy", X["audio"])
    (whole,) = embed_files(models / "audio.onnx", ["a.npy"], "out")
    expected = Path(whole.target).read_bytes()
    for left in (expected[:-100], expected[:20], b""):
        Path("out/a.npy").write_bytes(left)
        (done,) = embed_files(models / "audio.onnx", ["a.npy"], "out")
        assert done.status == "embedded"
        assert Path("out/a.npy").read_bytes() == expected


def test_a_file_of_another_program_beside_the_array_is_kept(models, X):
    np.save("a.npy", X["audio"])
    os.makedirs("out")
    Path("out/a.npy.json").write_text('{"mine": 1}')
    (done,) = embed_files(models / "audio.onnx", ["a.npy"], "out")
    assert done.status == "failed"
    assert "a.npy.json exists and was not written by `mibsk embed`: move it" in done.reason
    assert os.listdir("out") == ["a.npy.json"]
    assert Path("out/a.npy.json").read_text() == '{"mine": 1}'


def test_one_path_and_one_name(models, table):
    table.to_parquet("a.parquet")
    (done,) = embed_files(models / "audio.onnx", "a.parquet", "out", ids="key")
    assert (done.status, done.n_rows) == ("embedded", len(table))
    assert list(pd.read_parquet(done.target)["key"]) == list(table["key"])
    (again,) = embed_files(models / "audio.onnx", Path("a.parquet"), "out", ids=["key"])
    assert again.status == "up to date"


def test_bad_files_are_listed_and_the_others_embedded(models, X, table):
    np.save("good.npy", X["audio"])
    np.save("narrow.npy", X["image"])
    Path("damaged.parquet").write_bytes(b"PAR1 and more")
    Path("empty.csv").write_bytes(b"")
    Path("model.pt").write_bytes(b"x")
    late = X["audio"].astype(np.float64)
    late[150, 2] = np.inf
    np.save("late.npy", late)
    table.to_parquet("columns.parquet")
    bad = {
        "narrow.npy": "X has 4 features, but",
        "damaged.parquet": "is damaged, or not a Parquet file",
        "empty.csv": "is empty (0 bytes)",
        "model.pt": "ends in '.pt', expected .parquet",
        "gone.npy": "does not exist",
        "late.npy": "where row 0 is row 128 of the file: ",
        "columns.parquet": "6",  # the key is not a number
    }
    done = embed(models / "audio.onnx", *bad, "good.npy", "out", "--batch-size", "64")
    assert done.exit_code == 1
    assert "1 embedded (200 rows), 0 up to date, 7 failed" in done.output
    for name, message in bad.items():
        (line,) = [
            line for line in done.output.splitlines() if line.startswith("mibsk: ") and name in line
        ]
        assert message in line
        assert ".." not in line
    assert sorted(os.listdir("out")) == ["good.npy", "good.npy.json"]


def test_what_is_wrong_at_the_start_is_said_before_anything_is_written(models, X):
    os.makedirs("other")
    for path in ("a.npy", "other/a.npy"):
        np.save(path, X["audio"])
    Path("file").write_text("")
    model = models / "aligner.safetensors"
    for arguments, message in {
        (model, "a.npy", "out"): "has the modalities audio, image: choose one",
        (model, "a.npy", "out", "--modality", "adio"): "Did you mean 'audio'?",
        ("gone.onnx", "a.npy", "out"): "is not a file: expected an encoder",
        ("a.npy", "a.npy", "out"): "cannot be read as a safetensors file",
        (models / "audio.onnx", "a.npy", "other/a.npy", "out"): "would both be embedded into",
        (models / "audio.onnx", "a.npy", "."): "would replace the rows",
        (models / "audio.onnx", "a.npy", "file"): "is not a folder",
    }.items():
        done = embed(*arguments)
        assert done.exit_code == 2, arguments
        assert message in done.output
    assert not os.path.exists("out")


def test_files_of_others_are_not_replaced(models, X):
    np.save("a.npy", X["audio"])
    pd.DataFrame(X["audio"]).rename(columns=str).to_parquet("b.parquet")
    os.makedirs("out")
    np.save("out/a.npy", X["image"])
    pd.DataFrame({"theirs": [1]}).to_parquet("out/b.parquet")
    done = embed_files(models / "audio.onnx", ["a.npy", "b.parquet"], "out")
    assert [outcome.status for outcome in done] == ["failed"] * 2
    assert "was not written by `mibsk embed`" in done[0].reason
    assert (np.load("out/a.npy") == X["image"]).all()
    assert list(pd.read_parquet("out/b.parquet")) == ["theirs"]


def test_without_pyarrow_arrays_are_embedded_and_tables_name_the_package(models, X, monkeypatch):
    np.save("a.npy", X["audio"])
    pd.DataFrame(X["audio"]).to_csv("b.csv", index=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NotInstalledError, match="pip install pyarrow"):
        embed_files(models / "audio.onnx", ["a.npy", "b.csv"], "out")
    done = embed_files(models / "audio.onnx", ["a.npy", "b.csv"], "out", format="npy")
    assert [outcome.status for outcome in done] == ["embedded"] * 2


def test_without_dask_the_package_is_named(models, X, monkeypatch):
    np.save("a.npy", X["audio"])
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = embed(models / "audio.onnx", "a.npy", "out", "--scheduler", "tcp://127.0.0.1:1")
    assert done.exit_code == 2
    assert "pip install dask[distributed]" in done.output
