"""What every stage needs: its parameters, where files lie, and what a trained model left behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import yaml

from mibsk.tracking import use_store

if TYPE_CHECKING:  # stages that only read results start without torch
    from mibsk import IBAligner

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
MODELS = ROOT / "models"
EMBEDDINGS = ROOT / "embeddings"
METRICS = ROOT / "metrics" / "evaluate.json"
EXPORTS = ROOT / "exports"
REPORTS = ROOT / "reports"
EXPERIMENT = "mibsk"


def params(section: str) -> dict[str, Any]:
    """Return a section of params.yaml."""
    return yaml.safe_load((ROOT / "params.yaml").read_text())[section]


def track() -> None:
    """Let MLflow track into the local store."""
    use_store(ROOT / "mlflow.db", EXPERIMENT)


@dataclass(frozen=True)
class TrainedModel:
    """One trained aligner with its seed and its MLflow run."""

    name: str
    seed: int
    run_id: str
    model_uri: str

    @property
    def file(self) -> Path:
        """Where the aligner lies."""
        return MODELS / self.name / f"seed{self.seed}.joblib"

    @property
    def run_name(self) -> str:
        """Name of its run in MLflow."""
        return f"{self.name}-seed{self.seed}"

    @property
    def history_file(self) -> Path:
        """Where the record of its epochs lies."""
        return self.file.with_suffix(".history.json")

    def save(self, aligner: IBAligner) -> None:
        """Write the aligner, and the record of its epochs beside it."""
        joblib.dump(aligner, self.file)
        self.history_file.write_text(json.dumps(aligner.history_, indent=1) + "\n")

    def load(self) -> IBAligner:
        """Return the aligner."""
        return joblib.load(self.file)

    def history(self) -> list[dict[str, Any]]:
        """Return the record of its epochs."""
        return json.loads(self.history_file.read_text())


def write_index(name: str, trained: list[TrainedModel]) -> None:
    """Write which seeds of a model were trained, and in which runs."""
    entries = [{"seed": t.seed, "run_id": t.run_id, "model_uri": t.model_uri} for t in trained]
    (MODELS / name / "index.json").write_text(json.dumps(entries, indent=1) + "\n")


def trained_models(name: str) -> list[TrainedModel]:
    """Return the trained aligners of a model, one per seed."""
    entries = json.loads((MODELS / name / "index.json").read_text())
    return [TrainedModel(name, **entry) for entry in entries]
