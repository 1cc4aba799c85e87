"""Draw the figures of the evaluation, and log them to the runs that they show."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import matplotlib

matplotlib.use("Agg")

import mlflow
import numpy as np
import pandas as pd

from mibsk.inspection import (
    LeakageDisplay,
    LoadingsDisplay,
    ModalityGapDisplay,
    SimilarityDisplay,
    TrainingDisplay,
)
from mibsk.tracking import continue_run

from .images import save
from .stage import EMBEDDINGS, METRICS, REPORTS, params, track, trained_models

_MLP = ", MLP probe"


def _fractions(entry: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return what the probes read, the nuisances by a linear one and by an MLP."""
    leakage: dict[str, float] = {}
    for name, fraction in entry["leakage"].items():
        leakage |= {name: fraction, f"{name}{_MLP}": entry["leakage_mlp"][name]}
    return {"leakage": leakage, "kept": entry["kept"]}


def spaces_of(models: Iterable[str]) -> tuple[dict[str, dict[str, np.ndarray]], pd.Series[Any]]:
    """Return the embeddings of the test rows by model and modality, and a shared factor of them."""
    spaces = {
        model: {
            file.stem.removeprefix(f"{model}."): np.load(file)
            for file in sorted(EMBEDDINGS.glob(f"{model}.*.npy"))
        }
        for model in models
    }
    return spaces, pd.read_csv(EMBEDDINGS / "labels.csv").iloc[:, 0]


def _numeric(fractions: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """Return the names of the factors that are real numbers."""
    factors = pd.read_csv(EMBEDDINGS / "labels.csv").select_dtypes("float")
    real = [name for name in factors if (factors[name] % 1 != 0).any()]
    first = next(iter(fractions.values()))
    names = [name for kind in first.values() for name in kind]
    return [name for name in names if name.removesuffix(_MLP) in real]


def displays() -> dict[str, Any]:
    """Return the Displays of the evaluation by name."""
    evaluation, names = json.loads(METRICS.read_text()), params("names")
    trained = {name: trained_models(name) for name in evaluation}
    fractions = {name: _fractions(entry) for name, entry in evaluation.items()}
    errors = {name: _fractions(entry["sd"]) for name, entry in evaluation.items()}
    spaces, labels = spaces_of(evaluation)
    found: dict[str, Any] = {
        "curves": TrainingDisplay.from_histories(
            {name: [t.history() for t in runs] for name, runs in trained.items()}, names=names
        ),
        "information": LeakageDisplay.from_fractions(
            fractions, errors=errors, numeric=_numeric(fractions), names=names
        ),
        "spaces": ModalityGapDisplay.from_embeddings(spaces, labels=labels, names=names),
        "similarity": SimilarityDisplay.from_embeddings(spaces, labels=labels, names=names),
    }
    for name, runs in trained.items():
        if (file := runs[0].correlations_file).exists():
            found[f"directions_{name}"] = LoadingsDisplay(pd.read_csv(file), {}).plot()
    return found


def main() -> None:
    """Run the stage."""
    REPORTS.mkdir(exist_ok=True)
    trained = {name: trained_models(name) for name in json.loads(METRICS.read_text())}
    for name, runs in trained.items():
        table = pd.concat([pd.DataFrame(t.history()) for t in runs], keys=[t.seed for t in runs])
        table.index.names = ["seed", None]
        table.to_csv(REPORTS / f"curves_{name}.csv")
    for name, display in displays().items():
        save(display.figure_, REPORTS / f"{name}.png")

    track()
    for runs in trained.values():
        for run in runs:
            with continue_run(run.run_id, run.run_name):
                mlflow.log_artifacts(str(REPORTS), "figures")


if __name__ == "__main__":
    main()
