"""A killed pipeline can be resumed, and gives the same numbers bit for bit."""

import os
import signal
import time

import pytest

pytestmark = pytest.mark.slow


def kill_once(process, file, *, seconds=300):
    """Kill a process and its children once a file exists."""
    deadline = time.monotonic() + seconds
    while not file.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"{file} was not written within {seconds} s"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_killed_pipeline_resumes_and_gives_the_same_numbers(check_out):
    checkout = check_out()
    trained = checkout.path / "models" / "infonce"
    kill_once(checkout.start("dvc", "repro"), trained / "seed0.safetensors")
    assert not (trained / "index.json").exists()  # training was not finished

    # DVC runs the two trainings in either order; the one that was finished is kept
    unfinished = {"evaluate", "train@infonce"}
    if not (checkout.path / "models" / "ib" / "index.json").exists():
        unfinished.add("train@ib")
    assert set(checkout.repro("evaluate")) == unfinished
    assert set(checkout.status()) == {"export", "report"}

    straight = check_out()
    straight.measure()
    metrics = "metrics/evaluate.json"
    assert (checkout.path / metrics).read_bytes() == (straight.path / metrics).read_bytes()
