"""Writing of static sites: whole or not at all, and never over files of others."""

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mibsk.cli import main
from mibsk.data import InputSpec
from mibsk.index import Content, open_index
from mibsk.site import runtime_files, write_site

VECTORS = np.eye(3, dtype=np.float32)
ATTACK = "../../<script>alert(1)</script>"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """What the writer reads of a bundle; nothing is run."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "left%20one.onnx").write_bytes(b"an encoder")
    spec = InputSpec("left one", "dense", (3,))
    manifest = SimpleNamespace(
        n_components=3,
        encoders={"left one": SimpleNamespace(file="left%20one.onnx", input=spec)},
        to_json=lambda: "{}",
    )
    return SimpleNamespace(path=folder, manifest=manifest, digest="0" * 64)


@pytest.fixture(scope="module")
def index(bundle, tmp_path_factory):
    pytest.importorskip("lancedb")
    index = open_index(tmp_path_factory.mktemp("index"), bundle=bundle, create=True)
    contents = [
        Content(b"<script>alert(1)</script>", "text/html"),
        Content(b"RIFF", "audio/wav"),
        None,
    ]
    metadata = pd.DataFrame({"value": [1.5, None, None]})
    index.add("left one", [ATTACK, "b", "c"], VECTORS, metadata, contents)
    return index


@pytest.fixture
def runtime(tmp_path):
    """An unpacked package, by its names."""
    folder = tmp_path / "package" / "dist"
    folder.mkdir(parents=True)
    for name in ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"):
        (folder / name).write_bytes(name.encode())
    return folder.parent


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def written(bundle, index, folder, runtime, **params):
    return write_site(bundle, index, folder, runtime=runtime, **params)


def test_a_site_has_page_runtime_encoders_vectors_and_contents(bundle, index, tmp_path, runtime):
    sizes = []
    site = written(bundle, index, tmp_path / "site", runtime, on_size=sizes.append)
    files = files_of(tmp_path / "site")
    assert site.n_rows == {"left one": 3}
    assert site.n_bytes == sum(map(len, files.values()))
    assert sizes == [pytest.approx(site.n_bytes, rel=0.1)]
    assert b'content="local"' in files["index.html"]
    assert b"'wasm-unsafe-eval'" in files["index.html"]
    assert {"static/app.js", "runtime/ort.wasm.min.mjs", "data/encoders/0.onnx"} <= files.keys()
    vectors = np.frombuffer(files["data/rows/0/vectors.f32"], "<f4").reshape(3, 3)
    np.testing.assert_array_equal(vectors, VECTORS)
    rows = json.loads(files["data/rows/0/rows.json"])
    assert rows["ids"] == [ATTACK, "b", "c"]
    assert rows["columns"] == {"value": [1.5, None, None]}
    assert rows["media_types"] == ["text/html", "audio/wav", None]
    # a file server sends what is no picture, recording or plain text as bytes of no type
    assert rows["contents"] == ["contents/0/0.bin", "contents/0/1.wav", None]
    assert files["data/rows/0/contents/0/1.wav"] == b"RIFF"


def test_a_maximum_number_of_rows(bundle, index, tmp_path, runtime):
    site = written(bundle, index, tmp_path / "site", runtime, max_rows=2)
    assert site.n_rows == {"left one": 2}
    assert json.loads(files_of(tmp_path / "site")["data/rows/0/rows.json"])["ids"] == [ATTACK, "b"]


def test_an_earlier_site_is_replaced_as_a_whole(bundle, index, tmp_path, runtime):
    written(bundle, index, tmp_path / "site", runtime)
    (tmp_path / "site" / "data" / "of the earlier one").touch()
    written(bundle, index, tmp_path / "site", runtime, max_rows=1)
    assert not (tmp_path / "site" / "data" / "of the earlier one").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"site", "package"}


def test_a_failing_swap_leaves_the_earlier_site(bundle, index, tmp_path, runtime, monkeypatch):
    written(bundle, index, tmp_path / "site", runtime)
    before = files_of(tmp_path / "site")
    replace = os.replace

    def fail_into(source, target):
        if Path(target).name == "site" and (Path(source) / "new").exists():
            raise OSError("no")
        replace(source, target)

    def mark(done, n, title):
        (new,) = tmp_path.glob(".site.*.tmp")
        (new / "new").touch()

    monkeypatch.setattr(os, "replace", fail_into)
    with pytest.raises(OSError, match="no"):
        written(bundle, index, tmp_path / "site", runtime, progress=mark)
    assert files_of(tmp_path / "site") == before
    assert {path.name for path in tmp_path.iterdir()} == {"site", "package"}


def test_what_a_killed_process_left_is_removed(bundle, index, tmp_path, runtime):
    (tmp_path / ".site.0123.tmp").mkdir()
    written(bundle, index, tmp_path / "site", runtime)
    assert {path.name for path in tmp_path.iterdir()} == {"site", "package"}


def test_files_of_others_are_not_overwritten(bundle, index, tmp_path, runtime):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "index.html").write_text("mine")
    with pytest.raises(ValueError, match="has files that are not those of a site"):
        written(bundle, index, tmp_path / "thesis", runtime)
    assert files_of(tmp_path / "thesis") == {"index.html": b"mine"}
    with pytest.raises(ValueError, match="is a file: give a folder"):
        written(bundle, index, tmp_path / "thesis" / "index.html", runtime)


@pytest.mark.parametrize("earlier", [False, True])
def test_an_aborted_build_leaves_what_was_there(bundle, index, tmp_path, runtime, earlier):
    folder = tmp_path / "site"
    if earlier:
        written(bundle, index, folder, runtime)
    before = files_of(folder)

    def interrupt(done, n, title):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(bundle, index, folder, runtime, progress=interrupt)
    assert files_of(folder) == before
    names = {"site", "package"} if earlier else {"package"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_an_index_without_rows_is_refused(bundle, tmp_path, runtime):
    empty = open_index(tmp_path / "index", bundle=bundle, create=True)
    with pytest.raises(ValueError, match="no rows to search: add some with mibsk index"):
        written(bundle, empty, tmp_path / "site", runtime)
    assert not (tmp_path / "site").exists()


def test_the_runtime_is_found_in_both_forms_of_the_package(runtime, tmp_path):
    assert runtime_files(runtime) == runtime_files(runtime / "dist") == runtime_files(tmp_path)
    with pytest.raises(ValueError, match="is not an unpacked npm package onnxruntime-web"):
        runtime_files(tmp_path / "nowhere")


def npm(folder, script):
    """Put a program of the name npm first on the PATH."""
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755 | stat.S_IXUSR)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_without_network_or_npm_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    advice = r"Where npm works, run npm pack onnxruntime-web@.*--runtime"
    monkeypatch.setenv("PATH", npm(tmp_path / "a", "echo no network >&2; exit 1"))
    with pytest.raises(ValueError, match=rf"could not fetch .*\(no network\)\. {advice}"):
        runtime_files()
    replaced = 'eval last=\\${$#}; echo other > "$last/onnxruntime-web-1.30.0.tgz"'
    monkeypatch.setenv("PATH", npm(tmp_path / "b", replaced))
    with pytest.raises(ValueError, match=rf"its digest differs\. .*{advice}"):
        runtime_files()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=rf"npm is not installed\. {advice}"):
        runtime_files()


def test_the_command_says_what_is_wrong_in_one_line(tmp_path):
    done = CliRunner().invoke(main, ["site", str(tmp_path), "index", "--out", str(tmp_path / "s")])
    assert done.exit_code == 2
    assert done.output.startswith(f"mibsk: no bundle at {tmp_path}")
    assert done.output.count("\n") == 1
