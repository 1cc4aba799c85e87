"""MLflow stores in temporary folders, and a small fitted aligner."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mibsk import IBAligner

mlflow = pytest.importorskip("mlflow")

from mibsk.tracking import use_store  # noqa: E402

EXPERIMENT = "tests"
MLFLOWS_OWN = [  # warnings of MLflow on import
    "ignore:The ``noload`` loader strategy is deprecated",
    "ignore:[\\S\\s]*Any type hint is inferred as AnyType:UserWarning",
]


def pytest_collection_modifyitems(items):
    """Ignore these warnings in the tests of this folder."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            for warning in MLFLOWS_OWN:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture
def forget_store(monkeypatch, tmp_path):
    """Reset the store, experiment and run of MLflow before and after the test."""
    monkeypatch.chdir(tmp_path)  # where MLflow writes by default
    for variable in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("mlflow.tracking.fluent._active_experiment_id", None)
    mlflow.set_tracking_uri(None)
    yield
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """Return a store without experiments, whose tables are created once, since this is slow."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def store(empty_store, tmp_path, forget_store) -> Path:
    """Use a new store."""
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
    params = {"encoders": "network", "bottleneck": None, "max_epochs": 2, "beta": 0.5}
    return IBAligner(n_components=4, **params, random_state=0).fit(rows)
