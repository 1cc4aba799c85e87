"""Stores and runs of MLflow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ._mlflow import import_mlflow


def use_store(path: str | Path, experiment: str) -> None:
    """Track runs in a local SQLite file, with artifacts in the folder ``mlruns`` next to it.

    Parameters
    ----------
    path : path-like
        The SQLite file; created if it does not exist.
    experiment : str
        Name of the experiment; created if it does not exist.
    """
    mlflow = import_mlflow()
    path = Path(path).resolve()
    if not path.exists():
        _create_store(path)
    mlflow.set_tracking_uri(f"sqlite:///{path}")
    if mlflow.get_experiment_by_name(experiment) is None:
        artifacts = (path.parent / "mlruns").as_uri()
        mlflow.create_experiment(experiment, artifact_location=artifacts)
    mlflow.set_experiment(experiment)


def _create_store(path: Path) -> None:
    """Create the tables in a temporary file, since MLflow cannot open an incomplete store."""
    mlflow = import_mlflow()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{path.name}.", dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        mlflow.MlflowClient(f"sqlite:///{fresh}").search_experiments()
        fresh.replace(path)


@contextmanager
def continue_run(run_id: str, run_name: str) -> Iterator[Any]:
    """Resume a finished run, to log more to it.

    If the store does not have it (it was deleted, or the model came from a cache), a new run with
    this name is started.

    Yields
    ------
    mlflow.ActiveRun
    """
    mlflow = import_mlflow()
    try:
        kept = mlflow.get_run(run_id).info.lifecycle_stage == "active"
    except mlflow.exceptions.MlflowException:
        kept = False
    with mlflow.start_run(run_id=run_id) if kept else mlflow.start_run(run_name=run_name) as run:
        yield run
