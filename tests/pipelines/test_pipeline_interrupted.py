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

    # DVC runs the trainings in any order; those that were finished are kept
    unfinished = {"evaluate"} | {
        f"train@{model}"
        for model in ("infonce", "ib", "canonical")
        if not (checkout.path / "models" / model / "index.json").exists()
    }
    assert set(checkout.repro("evaluate")) == unfinished
    assert set(checkout.status()) == {"export", "index", "report"}

    straight = check_out()
    straight.measure()
    metrics = "metrics/evaluate.json"
    assert (checkout.path / metrics).read_bytes() == (straight.path / metrics).read_bytes()
