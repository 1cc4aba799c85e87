"""Bundles of exported encoders beside the models of a registry."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._checks.parameters import suggest
from ._mlflow import import_mlflow
from ._store import check_store

BUNDLE = "bundle"
"""Name of the folder in that of a model."""
_MANIFEST = "manifest.json"
_LISTED = 10
_REGISTERED = re.compile(r"models:/+(?P<name>[^/@]+)(@(?P<alias>[^/]+)|/(?P<version>[^/]+)).*")
_LOGGED = re.compile(r"models:/+(?P<model_id>m-[0-9a-f]{32})")
_RUN = re.compile(r"runs:/+(?P<run_id>[^/]+)/*(?P<path>.*)")


def fetch_bundle(uri: str, folder: str | Path | None = None) -> Path:
    """Fetch the bundle of a model that was logged with one, e.g. ``models:/mibsk@champion``.

    Needs MLflow, but no torch.

    Parameters
    ----------
    uri : str
        A model of a registry, by alias or version, or a model or folder of a run: ``models:/`` and
        ``runs:/`` refer to the store that MLflow is set to, as in :func:`load_model`.
    folder : path-like, default=None
        Folder within which the bundle is copied. By default that of a local store is used where it
        is, and that of another store is copied into a new temporary folder.

    Returns
    -------
    Path
        The bundle.

    Raises
    ------
    FileNotFoundError
        If the store does not exist.
    ValueError
        If the store has no such model, version, alias or run, or cannot be read, or if no bundle
        was logged with the model.
    """
    if not uri.startswith(("models:/", "runs:/")):
        raise ValueError(
            f"uri must be a model of a registry or a run, such as models:/mibsk@champion, got "
            f"{uri!r}."
        )
    mlflow = import_mlflow()
    check_store(uri)
    uri = uri.rstrip("/")
    try:
        if model := _LOGGED.fullmatch(uri):  # of which MLflow accepts no paths
            uri = mlflow.get_logged_model(model["model_id"]).artifact_location
        names = _names(mlflow, uri)
        if _MANIFEST not in names and BUNDLE in names:
            uri = f"{uri}/{BUNDLE}"
            names = _names(mlflow, uri)
        if _MANIFEST not in names:
            raise ValueError(
                f"{uri} has no bundle, only {_few(names)}: write one with "
                "mibsk.bundle.write_bundle, and log it with the model, "
                "mibsk.tracking.log_model(aligner, bundle=folder)."
            )
        place = None if folder is None else str(folder)
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=place))
    except mlflow.exceptions.MlflowException as error:
        raise ValueError(f"{uri} cannot be fetched: {_reason(mlflow, uri, error)}") from error


def check_bundle(bundle: str | Path, names: Sequence[str], n_components: int) -> None:
    """Raise unless a folder has a bundle of a model with these modalities and dimension.

    Raises
    ------
    FileNotFoundError
        If there is no bundle.
    ValueError
        If it is that of another model.
    """
    manifest = Path(bundle) / _MANIFEST
    if not manifest.is_file():
        raise FileNotFoundError(
            f"no bundle at {bundle}: expected a folder with {_MANIFEST}, as "
            "mibsk.bundle.write_bundle writes it."
        )
    values = json.loads(manifest.read_text("utf-8"))
    found = [each["name"] for each in values["modalities"]]
    if (found, values["n_components"]) != (list(names), n_components):
        raise ValueError(
            f"the bundle at {bundle} is that of another model: it has the modalities "
            f"{_few(found)} and {values['n_components']} components, the aligner has {_few(names)} "
            f"and {n_components}. Write it again with mibsk.bundle.write_bundle(aligner, folder)."
        )


def _names(mlflow: Any, uri: str) -> list[str]:
    """Return the names of the files and folders at a URI."""
    if run := _RUN.fullmatch(uri):
        listed = mlflow.artifacts.list_artifacts(
            run_id=run["run_id"], artifact_path=run["path"] or None
        )
    else:
        listed = mlflow.artifacts.list_artifacts(artifact_uri=uri)
    return sorted(posixpath.basename(each.path) for each in listed)


def _reason(mlflow: Any, uri: str, error: Exception) -> str:
    """Return what the registry has in place of an unknown name, or else what MLflow says."""
    asked = _REGISTERED.fullmatch(uri)
    if asked is None:
        return str(error)
    client, name = mlflow.MlflowClient(), asked["name"]
    try:
        models = {each.name: each for each in client.search_registered_models()}
        versions = [each.version for each in client.search_model_versions(f"name = '{name}'")]
    except mlflow.exceptions.MlflowException:  # the store cannot be read at all
        return str(error)
    if name not in models:
        known = f"only {_few(models)}" if models else "nor any other"
        return f"no model {name!r} is registered, {known}.{suggest(name, list(models))}"
    aliases = list(models[name].aliases)
    if asked["alias"] not in (None, *aliases):
        return f"{name} has no alias {asked['alias']!r}, only {_few(aliases)}."
    if asked["version"] not in (None, "latest", *map(str, versions)):
        numbers = _few(sorted(versions, key=int))
        return f"{name} has no version {asked['version']}, only {numbers}."
    return str(error)


def _few(names: Any) -> str:
    listed = list(map(str, names))
    more = ", ..." if len(listed) > _LISTED else ""
    return f"[{', '.join(listed[:_LISTED])}{more}]"
