"""MLflow stores that live in temporary folders, and a small fitted aligner."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mibsk import IBAligner

mlflow = pytest.importorskip("mlflow")

from mibsk.tracking import use_store  # noqa: E402

EXPERIMENT = "tests"


@pytest.fixture
def forget_store():
    """Leave MLflow as it was: no run goes on, and the store is the one it was."""
    tracking, registry = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    yield
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.set_tracking_uri(tracking)
    mlflow.set_registry_uri(registry)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """Return a store without experiments: its tables are made once, as that is slow."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def store(empty_store, tmp_path, forget_store) -> Path:
    """Use a store of the test's own."""
    file = tmp_path / "mlflow.db"
    shutil.copy(empty_store, file)
    use_store(file, EXPERIMENT)
    return file


@pytest.fixture(scope="session")
def rows():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(60, 2))
    return {
        "audio": (hidden @ rng.normal(size=(2, 5))).astype(np.float32),
        "image": (hidden @ rng.normal(size=(2, 12))).reshape(60, 3, 4).astype(np.float32),
    }


@pytest.fixture(scope="session")
def aligner(rows) -> IBAligner:
    return IBAligner(n_components=4, max_epochs=2, beta=0.5, random_state=0).fit(rows)
