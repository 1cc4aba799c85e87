"""Fixtures shared by all tests: where the real data and the reference values lie."""

import json
import os

# two workers share two cores: one thread each, set before anything loads OpenMP
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real data; skips where there is none."""
    folder = Path(os.environ.get("MIBSK_DATA", SHARED / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set MIBSK_DATA to a folder that holds it")
    return folder


@pytest.fixture(scope="session")
def reference():
    """Load values computed elsewhere, e.g. ``reference("loss_values.json")``; skip if absent."""

    def load(name: str):
        path = SHARED / "reference" / name
        if not path.is_file():
            pytest.skip(f"no reference values at {path}")
        return json.loads(path.read_text()) if path.suffix == ".json" else np.load(path)

    return load
