"""Register the exported model in MLflow, and point its alias at it."""

from __future__ import annotations

import hashlib
from typing import Any

import mlflow
import numpy as np

from mibsk.bundle import Bundle
from mibsk.datasets import load_bunch
from mibsk.tracking import continue_run, fetch_bundle, load_model, log_model

from .stage import DATA, EXPORTS, TrainedModel, is_copy, params, track, trained_models

DIGEST = "mibsk.sha256"
"""Tag of a version of the registered model: digest of the aligner and of its bundle."""


def main() -> None:
    """Run the stage."""
    settings = params("export")
    name, alias = settings["registered_name"], settings["alias"]
    if is_copy():
        print(f"not registered: {name}@{alias} stays the model in the exports of the project")
        return
    chosen = trained_models(settings["model"])[0]
    track()
    client = mlflow.MlflowClient()
    of_bundle = Bundle(EXPORTS).digest.encode()
    digest = hashlib.sha256(chosen.file.read_bytes() + of_bundle).hexdigest()
    version = find_version(client, name, digest) or register(client, name, chosen, digest)
    client.set_registered_model_alias(name, alias, version)
    print(f"models:/{name}@{alias} is version {version}, {chosen.run_name}")


def find_version(client: Any, name: str, digest: str) -> str | None:
    """Return the newest version with this digest, if any."""
    found = client.search_model_versions(f"name = '{name}'")
    versions = [int(each.version) for each in found if each.tags.get(DIGEST) == digest]
    return str(max(versions)) if versions else None


def register(client: Any, name: str, chosen: TrainedModel, digest: str) -> str:
    """Register the model as a new version, check that it loads, and return the version."""
    aligner = chosen.load()
    with continue_run(chosen.run_id, chosen.run_name):
        info = log_model(aligner, "registered", registered_model_name=name, bundle=EXPORTS)
        version = str(info.registered_model_version)
    data = load_bunch(DATA / "test").data
    modality = next(iter(data))
    rows = {modality: data[modality][:8]}
    loaded = load_model(f"models:/{name}/{version}").embed(rows)[modality]
    if not np.array_equal(loaded, aligner.embed(rows)[modality]):
        raise RuntimeError(f"version {version} of {name} is not the model that was registered.")
    if Bundle(fetch_bundle(f"models:/{name}/{version}")).digest != Bundle(EXPORTS).digest:
        raise RuntimeError(f"version {version} of {name} has another bundle than {EXPORTS.name}.")
    client.set_model_version_tag(name, version, DIGEST, digest)
    return version


if __name__ == "__main__":
    main()
