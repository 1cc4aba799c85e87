"""Files are embedded by the workers of a Dask cluster, also if one of them is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mibsk.cli import main
from mibsk.embedding import embed_files

pytest.importorskip("distributed")
ROOT = str(Path(__file__).parents[2])


def start(stack, *arguments, output=subprocess.DEVNULL):
    """Start a program that ends with the test."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"},
    )
    stack.callback(process.wait, 30)
    stack.callback(process.kill)
    return process


@pytest.fixture
def cluster(tmp_path):
    """Return the address of a scheduler, and its two workers."""
    with ExitStack() as stack:
        file = tmp_path / "scheduler.json"
        quiet = ["--no-dashboard", "--scheduler-file", str(file)]
        scheduler = "distributed.cli.dask_scheduler"
        start(stack, "-m", scheduler, "--host", "127.0.0.1", "--port", "0", *quiet)
        address = wait_for(lambda: file.exists() and address_in(file))
        worker = ["-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *quiet]
        workers = [
            start(stack, *worker, "--local-directory", str(tmp_path / f"w{i}")) for i in range(2)
        ]
        yield address, workers


def address_in(file):
    """Return the address in the file of a scheduler, or None while it is being written."""
    try:
        return json.loads(file.read_text())["address"]
    except ValueError:
        return None


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


@pytest.mark.slow
def test_the_file_of_a_killed_worker_is_embedded_by_another(cluster, models, X, tmp_path):
    from distributed import Client

    address, workers = cluster
    n = 4000
    rows = np.tile(X["audio"], (n // 200, 1))
    files = [tmp_path / f"{name}.npy" for name in "abc"]
    for file in files:
        np.save(file, rows)
    bad = tmp_path / "bad.npy"
    np.save(bad, X["image"])
    out = tmp_path / "out"
    with ExitStack() as stack:
        client = stack.enter_context(Client(address, set_as_default=False))
        client.wait_for_workers(2, timeout=120)
        pids = client.run(os.getpid)
        command = start(
            stack,
            *("-m", "mibsk", "embed", str(models / "audio.onnx"), *map(str, [*files, bad])),
            *(str(out), "--scheduler", address, "--batch-size", "1"),
            output=stack.enter_context(open(tmp_path / "printed", "wb")),
        )
        # a file is being written
        wait_for(lambda: out.is_dir() and list(out.glob(".*.npy.*.tmp")))
        busy = wait_for(lambda: [worker for worker, keys in client.processing().items() if keys])
        killed = pids[busy[0]]
        os.kill(killed, signal.SIGKILL)
        command.wait(200)
    printed = (tmp_path / "printed").read_text()
    assert killed in [worker.pid for worker in workers]
    assert "4 file(s): 3 embedded (12,000 rows), 0 up to date, 1 failed" in printed
    assert "X has 4 features, but" in printed
    assert command.returncode == 1
    assert sorted(path.name for path in out.iterdir()) == [
        f"{name}.npy{end}" for name in "abc" for end in ("", ".json")
    ]
    (expected,) = embed_files(models / "audio.onnx", files[:1], tmp_path / "here")
    for file in files:
        np.testing.assert_allclose(
            np.load(out / file.name), np.load(expected.target), rtol=0, atol=1e-6
        )


def test_an_address_without_a_scheduler_is_said(models, X, tmp_path, monkeypatch):
    monkeypatch.setattr("mibsk.embedding._cluster._SECONDS", 0.5)
    np.save(tmp_path / "a.npy", X["audio"])
    arguments = [str(models / "audio.onnx"), str(tmp_path / "a.npy"), str(tmp_path / "out")]
    done = CliRunner().invoke(main, ["embed", *arguments, "--scheduler", "tcp://127.0.0.1:9"])
    assert done.exit_code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in done.output


@pytest.mark.parametrize("address", ["127.0.0.1", "host:port"])
def test_an_address_that_is_none_is_said_at_once(models, X, tmp_path, address):
    np.save(tmp_path / "a.npy", X["audio"])
    arguments = [str(models / "audio.onnx"), str(tmp_path / "a.npy"), str(tmp_path / "out")]
    start = time.monotonic()
    done = CliRunner().invoke(main, ["embed", *arguments, "--scheduler", address])
    assert done.exit_code == 2
    assert f"no Dask scheduler answers at {address}" in done.output
    assert time.monotonic() - start < 30  # a client of Dask takes a minute
