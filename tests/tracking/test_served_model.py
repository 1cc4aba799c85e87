"""A saved model answers requests, for one modality or all of them, without mibsk on an index."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mlflow")

from mibsk.tracking import save_model

pytestmark = pytest.mark.slow
SECONDS = 180


def post(url: str, inputs) -> dict:
    request = urllib.request.Request(
        f"{url}/invocations",
        json.dumps({"inputs": inputs}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["predictions"]


def wait_until_ready(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/ping", timeout=5):
            return
        time.sleep(0.5)
    raise AssertionError(f"not ready after {SECONDS} s:\n{log.read_text()}")


@pytest.fixture(scope="module")
def served(aligner, tmp_path_factory):
    """URL of a server that imports mibsk from the model folder."""
    folder = tmp_path_factory.mktemp("served")
    save_model(aligner, folder / "model")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = ["serve", "-m", folder / "model", "--env-manager", "local", "-p", str(port)]
    log = folder / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "models", *command],
            cwd=folder,
            env=kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process, log)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("names", [["audio"], ["image"], ["audio", "image"]])
def test_any_modalities_are_embedded(served, aligner, rows, names):
    given = {name: rows[name][:7] for name in names}
    answer = post(served, {name: X.tolist() for name, X in given.items()})
    expected = aligner.embed(given)
    assert list(answer) == names
    for name in names:
        np.testing.assert_array_equal(np.asarray(answer[name], np.float32), expected[name])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"text": [[0.0]]}, "unknown modality 'text'; fitted on"),
        ({"audio": [[0.0, 1.0]]}, "modality 'audio'"),
    ],
)
def test_a_wrong_request_is_answered_with_the_error(served, inputs, message):
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(served, inputs)
    assert refused.value.code == 400
    assert message in refused.value.read().decode()
