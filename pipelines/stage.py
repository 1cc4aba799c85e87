"""Parameters, paths and trained models, as all stages use them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mibsk.tracking import sqlite_uri, use_store

if TYPE_CHECKING:  # stages that only read results do not import torch
    from mibsk import IBAligner

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
MODELS = ROOT / "models"
EMBEDDINGS = ROOT / "embeddings"
METRICS = ROOT / "metrics" / "evaluate.json"
COMPARISON = ROOT / "metrics" / "comparison.json"
EXPORTS = ROOT / "exports"
INDEX = ROOT / "index"
REPORTS = ROOT / "reports"
EXPERIMENT = "mibsk"


def params(section: str) -> dict[str, Any]:
    """Return a section of params.yaml."""
    return yaml.safe_load((ROOT / "params.yaml").read_text())[section]


def project() -> Path:
    """Return the folder of the project; of a queued experiment, it is not the folder it runs in.

    ``dvc exp run --queue`` runs an experiment in a copy below ``.dvc/tmp``, and removes it.
    """
    return next((each.parent for each in ROOT.parents if each.name == ".dvc"), ROOT)


def is_copy() -> bool:
    """Whether this is the temporary copy of a queued experiment."""
    return project() != ROOT


def store_file() -> Path | None:
    """Return the MLflow store of the project; None if MLFLOW_TRACKING_URI names another one."""
    return None if os.environ.get("MLFLOW_TRACKING_URI") else project() / "mlflow.db"


def store_uri() -> str:
    """Return the URI of the store."""
    file = store_file()
    return os.environ["MLFLOW_TRACKING_URI"] if file is None else sqlite_uri(file)


def track(experiment: str = EXPERIMENT) -> None:
    """Track runs in the MLflow store of the project, or in that of MLFLOW_TRACKING_URI."""
    use_store(store_file(), experiment)


@dataclass(frozen=True)
class TrainedModel:
    """One trained aligner with its seed and its MLflow run."""

    name: str
    seed: int
    run_id: str
    model_uri: str

    @property
    def file(self) -> Path:
        """File of the aligner."""
        return MODELS / self.name / f"seed{self.seed}.safetensors"

    @property
    def run_name(self) -> str:
        """Name of its MLflow run."""
        return f"{self.name}-seed{self.seed}"

    @property
    def history_file(self) -> Path:
        """File of its training history."""
        return self.file.with_suffix(".history.json")

    @property
    def correlations_file(self) -> Path:
        """File of the correlations of its directions, which exists if it has a last stage."""
        return self.file.with_suffix(".correlations.csv")

    def save(self, aligner: IBAligner) -> None:
        """Write the aligner, its history, and its correlations if it has any."""
        aligner.save(self.file)
        self.history_file.write_text(json.dumps(aligner.history_, indent=1) + "\n")
        if aligner.bottleneck is not None:
            aligner.correlations_.to_csv(self.correlations_file, index=False)

    def load(self) -> IBAligner:
        """Return the aligner."""
        from mibsk import IBAligner

        return IBAligner.load(self.file)

    def history(self) -> list[dict[str, Any]]:
        """Return its training history."""
        return json.loads(self.history_file.read_text())


def write_index(name: str, trained: list[TrainedModel]) -> None:
    """Write seed, MLflow run and URI of all trained aligners of a model."""
    entries = [{"seed": t.seed, "run_id": t.run_id, "model_uri": t.model_uri} for t in trained]
    (MODELS / name / "index.json").write_text(json.dumps(entries, indent=1) + "\n")


def trained_models(name: str) -> list[TrainedModel]:
    """Return the trained aligners of a model, one per seed."""
    entries = json.loads((MODELS / name / "index.json").read_text())
    return [TrainedModel(name, **entry) for entry in entries]
