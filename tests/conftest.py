"""Fixtures for all tests, the real data and reference values, and how workers share the tests."""

import gc
import json
import os
import sys

# two workers share two cores: one thread each, set before anything loads OpenMP
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # for the processes started here; see below

from pathlib import Path

import numpy as np
import pytest

from .browser import chromium

# many processes of the tests import torch: with bytecode each does so in half the time
sys.dont_write_bytecode = False

DATA = Path(__file__).parents[2] / "shared" / "data"
REFERENCE = Path(__file__).parent / "reference"


# Files that need the same slow start (an import, an export, a pool of processes) run on one worker.
SAME_START = {
    "the ONNX exporter": (
        "tests/onnx/",
        "tests/fuzz/",
        "tests/encoders/test_encoder_onnx.py",
        "tests/sklearn/test_estimator_checks.py",
        "mibsk/onnx/",
        "README.md",
    ),
    "MLflow": ("tests/tracking/", "tests/pipelines/"),
    "processes of joblib": (
        "tests/sklearn/test_model_selection.py",
        "tests/metrics/test_scorers.py",
        "tests/test_user_programs.py",
    ),
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a file's tests to one worker, which makes its fixtures once; see `SAME_START`."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return next((s for s, files in SAME_START.items() if file.startswith(files)), file)

    return Scheduling(config, log)


def pytest_collection_finish():
    """Collect garbage less often, and never among the modules imported so far."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real data; skips where there is none."""
    folder = Path(os.environ.get("MIBSK_DATA", DATA))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set MIBSK_DATA to a folder that holds it")
    return folder


@pytest.fixture(scope="session")
def reference():
    """Load values computed elsewhere, e.g. ``reference("loss_values.json")``."""

    def load(name: str):
        path = REFERENCE / name
        return json.loads(path.read_text()) if path.suffix == ".json" else np.load(path)

    return load


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; skips where there is none."""
    with chromium() as started:
        yield started
