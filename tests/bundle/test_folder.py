"""The folder of a bundle: whole at every moment, whoever is killed."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from mibsk import CanonicalBottleneck
from mibsk.bundle import Bundle, write_bundle
from mibsk.bundle._bundle import read_manifest
from mibsk.bundle._folder import replace_bundle

KILLED_AT_EACH_STEP = """
import json, os, shutil, signal, sys
from pathlib import Path
from mibsk.bundle._bundle import read_manifest
from mibsk.bundle._card import model_card
from mibsk.bundle._folder import replace_bundle
from mibsk.files.digest import sha256_of

earlier, new, folder = map(Path, sys.argv[1:])
manifest = read_manifest(new)
files = {name: (new / name).read_bytes() for name, _ in manifest.files()}
card = model_card(manifest)


def found():
    try:
        read = read_manifest(folder)
    except FileNotFoundError:
        return None
    whole = all(sha256_of(folder / name) == digest for name, digest in read.files())
    return read.digest if whole else "torn"


outcomes = []
for step in range(1, 200):
    shutil.rmtree(folder, ignore_errors=True)
    if earlier.exists():
        shutil.copytree(earlier, folder)
    child = os.fork()
    if child == 0:
        steps = 0

        def count(event, arguments):
            global steps
            if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir") and str(
                folder
            ) in str(arguments[0]):
                steps += 1
                if steps == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        replace_bundle(folder, manifest, files, card)
        os._exit(0)
    killed = os.waitpid(child, 0)[1] != 0
    after_a_kill = found()
    replace_bundle(folder, manifest, files, card)
    left = sorted(
        str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()
    )
    outcomes.append([killed, after_a_kill, found(), left])
    if not killed:
        break
print(json.dumps(outcomes))
"""


def fitted(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 4))
    rows = {"x": X, "y": X[:, :3] + 0.1 * rng.normal(size=(60, 3))}
    return CanonicalBottleneck(n_components=2).fit(rows), rows


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    for name, seed in (("a", 0), ("b", 1)):
        write_bundle(fitted(seed)[0], folder / name)
    return folder


def content(folder):
    manifest = read_manifest(folder)
    return manifest, {name: (folder / name).read_bytes() for name, _ in manifest.files()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("earlier", ["a", "nothing"])
def test_a_writer_killed_at_any_step_leaves_a_whole_bundle(bundles, tmp_path, earlier):
    program = [sys.executable, "-c", KILLED_AT_EACH_STEP]
    places = [bundles / earlier, bundles / "b", tmp_path / "written"]
    run = subprocess.run(
        [*program, *map(str, places)], capture_output=True, text=True, check=True, timeout=300
    )
    outcomes = json.loads(run.stdout)
    assert len(outcomes) > 8
    assert [killed for killed, *_ in outcomes] == [True] * (len(outcomes) - 1) + [False]
    new = read_manifest(bundles / "b").digest
    old = read_manifest(bundles / "a").digest if earlier == "a" else None
    found = [each[1] for each in outcomes]
    assert found == sorted(found, key=lambda digest: digest == new)  # first the old, then the new
    assert set(found) == {old, new}
    expected = sorted(each.name for each in (bundles / "b").iterdir())
    for _, _, repaired, left in outcomes:
        assert repaired == new
        assert left == expected  # nothing of the earlier bundle or of the killed writer


def test_a_reader_finds_one_bundle_or_the_other_while_both_are_written(bundles, tmp_path):
    both = [content(bundles / name) for name in "ab"]
    replace_bundle(tmp_path, *both[0], "card")
    stop = threading.Event()

    def write():
        while not stop.is_set():
            for each in both:
                replace_bundle(tmp_path, *each, "card")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = {Bundle(tmp_path, providers=["CPUExecutionProvider"]).digest for _ in range(40)}
    finally:
        stop.set()
        writer.join()
    assert found <= {manifest.digest for manifest, _ in both}


def test_an_opened_bundle_stays_as_it_is(bundles, tmp_path):
    shutil.copytree(bundles / "a", tmp_path / "c")
    opened = Bundle(tmp_path / "c")
    rows = fitted(0)[1]["x"]
    before = opened.embed("x", rows)
    replace_bundle(tmp_path / "c", *content(bundles / "b"), "card")
    np.testing.assert_array_equal(opened.embed("x", rows), before)
    assert Bundle(tmp_path / "c").digest != opened.digest


def test_a_failed_export_leaves_the_earlier_bundle(bundles, tmp_path, monkeypatch):
    shutil.copytree(bundles / "a", tmp_path / "c")
    before = sorted(each.name for each in (tmp_path / "c").iterdir())
    monkeypatch.setattr("mibsk.onnx._parity.TOLERANCE", -1.0)
    with pytest.raises(Exception, match="differs from torch"):
        write_bundle(fitted(1)[0], tmp_path / "c")
    assert sorted(each.name for each in (tmp_path / "c").iterdir()) == before
    assert Bundle(tmp_path / "c").digest == read_manifest(bundles / "a").digest


@pytest.mark.parametrize("name", ["README.md", "manifest.json"])
def test_files_of_something_else_are_not_replaced(tmp_path, name):
    (tmp_path / name).write_text('{"name": "something else"}')
    with pytest.raises(ValueError, match=f"{name} is there already and not that of a bundle"):
        write_bundle(fitted(0)[0], tmp_path)
    assert (tmp_path / name).read_text() == '{"name": "something else"}'
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_files_of_others_stay(tmp_path):
    others = ["notes.txt", "left-0123456789ab.onnx", "data/rows.csv"]
    write_bundle(fitted(2)[0], tmp_path)
    for name in others:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("of somebody")
    write_bundle(fitted(0)[0], tmp_path)
    write_bundle(fitted(1)[0], tmp_path)
    assert all((tmp_path / name).read_text() == "of somebody" for name in others)
    assert len(list(tmp_path.glob("x-*.onnx"))) == 1


@pytest.mark.parametrize("name", ["cat.png", "pictures/cat.png"])
def test_a_folder_of_something_else_is_refused(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("of somebody")
    with pytest.raises(ValueError, match="is no bundle and not empty, it contains '"):
        write_bundle(fitted(0)[0], tmp_path)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [tmp_path / name]


def test_the_same_model_has_the_same_digest(bundles, tmp_path):
    assert write_bundle(fitted(0)[0], tmp_path).digest == read_manifest(bundles / "a").digest


def test_modalities_of_any_name(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    names = [".hidden", "..", "a/b", "A", "a", "é c:\\\0", "x" * 300, "README.md"]
    rows = {name: X[:, :3] + 0.1 * rng.normal(size=(60, 3)) for name in names}
    aligner = CanonicalBottleneck(n_components=2).fit(rows)
    write_bundle(aligner, tmp_path)
    bundle = Bundle(tmp_path)
    assert bundle.modalities == aligner.modality_names_
    for name in names:
        expected = aligner.embed({name: rows[name]})[name]
        np.testing.assert_allclose(bundle.embed(name, rows[name]), expected, rtol=0, atol=1e-5)


def test_what_a_killed_export_has_left_is_removed(tmp_path):
    left = tmp_path / ".writing-killed" / ".export-killed"
    left.mkdir(parents=True)
    (left / "encoder.onnx").write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match="no bundle at"):
        Bundle(tmp_path)
    write_bundle(fitted(0)[0], tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_a_display_that_was_changed_by_hand_is_checked(bundles, tmp_path):
    shutil.copytree(bundles / "a", tmp_path / "c")
    values = json.loads((tmp_path / "c" / "manifest.json").read_text())
    values["modalities"][0]["display"]["kind"] = "image"
    change(tmp_path / "c", modalities=values["modalities"])
    with pytest.raises(ValueError, match="the display of modality 'x'"):
        Bundle(tmp_path / "c")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "model").write_text("")
    with pytest.raises(ValueError, match="is a file: give a folder for the bundle"):
        write_bundle(fitted(0)[0], tmp_path / "model")


def change(folder: Path, **values):
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": "mibsk-bundle/9"}, "format 'mibsk-bundle/9', expected 'mibsk-bundle/1'"),
        ({"digest": "0" * 64}, "its digest is not that of the encoders it lists"),
        ({"modalities": []}, "one or more"),
        ({"n_components": "2"}, "expected a count"),
        ({"ordered": "false"}, "expected true or false"),
        ({"n_components": 3}, "describes modality 'x' otherwise than x-"),
        ({"name": None}, "expected text"),
    ],
)
def test_a_changed_manifest_is_refused(bundles, tmp_path, values, message):
    shutil.copytree(bundles / "a", tmp_path / "c")
    change(tmp_path / "c", **values)
    with pytest.raises(ValueError, match=message):
        Bundle(tmp_path / "c")


def test_a_torn_manifest_is_refused(bundles, tmp_path):
    shutil.copytree(bundles / "a", tmp_path / "c")
    file = tmp_path / "c" / "manifest.json"
    for torn in (file.read_bytes()[:200], b"", b"\xff\xfe", b"[1]"):
        file.write_bytes(torn)
        with pytest.raises(ValueError, match="is not a manifest"):
            Bundle(tmp_path / "c")
    with pytest.raises(FileNotFoundError, match="no bundle at"):
        Bundle(tmp_path / "missing")
