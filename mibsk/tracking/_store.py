"""Stores of MLflow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from ._mlflow import import_mlflow
from ._process import end_killed_runs


def use_store(path: str | Path | None, experiment: str) -> None:
    """Track runs in a local SQLite file, with artifacts in the folder ``mlruns`` next to it.

    Runs in the experiment that have the status RUNNING, but whose process on this machine was
    killed, get the status KILLED.

    Parameters
    ----------
    path : path-like or None
        The SQLite file; created if it does not exist. None: the store that MLflow is set to, by
        the environment variable ``MLFLOW_TRACKING_URI`` or by ``mlflow.set_tracking_uri``.
    experiment : str
        Name of the experiment; created if it does not exist.

    Raises
    ------
    ValueError
        If `path` has characters that the installed SQLAlchemy does not support in a path.
    """
    mlflow = import_mlflow()
    artifacts = None
    if path is not None:
        path = Path(path).resolve()
        if not path.exists():
            _create_store(path)
        artifacts = (path.parent / "mlruns").as_uri()
        mlflow.set_tracking_uri(sqlite_uri(path))
    with _no_quoted_folder(path):
        found = mlflow.get_experiment_by_name(experiment)
        if found is None:
            mlflow.create_experiment(experiment, artifact_location=artifacts)
        end_killed_runs(mlflow.set_experiment(experiment).experiment_id)


def sqlite_uri(path: Path) -> str:
    """Return the URI of a SQLite file, of which SQLAlchemy reads exactly this path.

    Raises
    ------
    ValueError
        If there is none: versions of SQLAlchemy before 2.1 do not decode the path.
    """
    from sqlalchemy.engine import make_url  # a dependency of MLflow

    for text in (str(path), quote(str(path))):
        url = make_url(uri := f"sqlite:///{text}")
        if (url.database, dict(url.query)) == (str(path), {}):
            return uri
    raise ValueError(f"{path} is no path for a store: choose one without '?' and '%'.")


def check_store(model_uri: str) -> None:
    """Raise unless the local store that a model URI refers to exists; MLflow would create it.

    Raises
    ------
    FileNotFoundError
        If a SQLite file or a folder is the store, and does not exist.
    """
    from sqlalchemy.engine import make_url

    if urlsplit(model_uri).scheme not in ("models", "runs"):
        return
    mlflow = import_mlflow()
    uri = mlflow.get_tracking_uri()
    if model_uri.startswith("models:"):
        uri = mlflow.get_registry_uri()
    if uri.startswith("sqlite:"):
        store = make_url(uri).database
    elif urlsplit(uri).scheme in ("file", ""):
        store = unquote(urlsplit(uri).path)
    else:
        return
    if store and store != ":memory:" and not Path(store).exists():
        raise FileNotFoundError(
            f"{model_uri} is looked up in the MLflow store {store}, which does not exist. Name the "
            "store that has the model: set the environment variable MLFLOW_TRACKING_URI, e.g. to "
            "sqlite:////path/to/mlflow.db, or call mibsk.tracking.use_store(path, experiment); or "
            "pass the folder of a model in place of its URI."
        )


def _create_store(path: Path) -> None:
    """Create the tables in a temporary file, since MLflow cannot open an incomplete store."""
    mlflow = import_mlflow()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{path.name}.", dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        with _no_quoted_folder(fresh):
            mlflow.MlflowClient(sqlite_uri(fresh)).search_experiments()
        fresh.replace(path)


@contextmanager
def _no_quoted_folder(path: Path | None) -> Iterator[None]:
    """Remove the empty folders that MLflow creates, since it does not decode the path in a URI."""
    yield
    if path is None:
        return
    quoted = Path(sqlite_uri(path).removeprefix("sqlite:///")).parent
    while quoted != path.parent and quoted not in path.parents and quoted.is_dir():
        try:
            quoted.rmdir()
        except OSError:
            break
        quoted = quoted.parent
