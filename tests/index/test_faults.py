"""Nothing is lost when the process is killed, or the disk is full."""

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mibsk.bundle import Bundle
from mibsk.index import index_files, open_index

N, SIZE = 1500, 50
INDEX = [sys.executable, "-m", "mibsk", "index"]


@pytest.fixture
def corpus(rows, tmp_path):
    """Return a file of many rows, in order."""
    path = tmp_path / "image.npy"
    np.save(path, np.resize(rows["image"], (N, 8, 8)))
    return path


def ids_of(store):
    if "image" not in store.modalities():
        return []
    return [row.id for row in store.rows("image", 0, N)]


def kill_after(command, moment):
    """Kill a command some seconds after it has begun to index."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stderr.readline()  # the name of the file, when it is opened
        time.sleep(moment)
        process.kill()
        process.stderr.read()
    return process.returncode


def check_killed(model, corpus, out, moments):
    command = [*INDEX, model, "image", corpus, "--out", out, "--batch-size", str(SIZE)]
    n_before, interrupted = 0, 0
    for moment in moments:
        interrupted += kill_after(command, moment) != 0
        store = open_index(out, bundle=Bundle(model))
        ids = ids_of(store)
        assert len(ids) % SIZE == 0
        assert len(ids) >= n_before
        assert ids == [str(i) for i in range(len(ids))]  # in order, none twice, none missing
        n_before = len(ids)
    done = subprocess.run([*command], capture_output=True, text=True, check=True)
    assert f"{N - n_before:,} rows added" in done.stdout
    assert ids_of(open_index(out)) == [str(i) for i in range(N)]
    return interrupted


def test_kill_twice(model, corpus, tmp_path):
    assert check_killed(model, corpus, tmp_path / "index", [0.15, 0.6])


@pytest.mark.slow
def test_kill_at_ten_moments(model, corpus, tmp_path):
    moments = np.random.default_rng(0).uniform(0, 0.4, 10)
    assert check_killed(model, corpus, tmp_path / "index", moments) >= 5


def test_a_table_that_a_killed_process_has_begun(model, rows, tmp_path):
    store = open_index(tmp_path / "index", bundle=Bundle(model), create=True)
    (tmp_path / "index" / "image.lance" / "_versions").mkdir(parents=True)
    (tmp_path / "index" / "image.lance" / "data").mkdir()
    assert store.modalities() == {}
    store.add("image", ["a"], Bundle(model).embed("image", rows["image"][:1]))
    assert ids_of(open_index(tmp_path / "index")) == ["a"]


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=4m", "tmpfs"]
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("needs to mount a small file system")
    if subprocess.run(["mount", *options, folder], capture_output=True, check=False).returncode:
        pytest.skip("needs to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk(model, rows, small_disk, tmp_path):
    bundle = Bundle(model)
    store = open_index(small_disk / "index", bundle=bundle, create=True)
    np.save(tmp_path / "first.npy", rows["image"])
    index_files(store, bundle, "image", tmp_path / "first.npy", batch_size=SIZE)
    noise = np.random.default_rng(0).integers(0, 256, (40_000, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "many.npy", noise)

    def fill():
        index_files(store, bundle, "image", tmp_path / "many.npy", prefix="m", batch_size=4000)

    with pytest.raises(OSError, match=r"the disk is full.*Make room") as caught:
        fill()
    assert caught.value.errno == errno.ENOSPC
    for opened in (store, open_index(small_disk / "index", bundle=bundle)):
        n = opened.modalities()["image"].n_rows
        assert (n - 120) % 4000 == 0
        assert len(opened.get("image", [str(i) for i in range(120)], contents=True)) == 120
        assert opened.search("image", bundle.embed("image", rows["image"][:1]), 1)[0]
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    fill()
    assert store.modalities()["image"].n_rows == 40_120


def test_a_full_disk_at_the_start(model, files, small_disk):
    with open(small_disk / "filler", "wb") as filler, pytest.raises(OSError, match="No space"):
        os.posix_fallocate(filler.fileno(), 0, 1 << 23)
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filler").write_bytes(bytes(free))
    done = subprocess.run(
        [*INDEX, model, "image", files / "image.npy", "--out", small_disk / "index"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "No space left" in done.stderr or "the disk is full" in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    (small_disk / "filler").unlink()
    assert not Path(small_disk / "index" / "index.json").exists()
