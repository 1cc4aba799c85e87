"""Draw the figures of the evaluation, and log them to the runs that they show."""

from __future__ import annotations

import json
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
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

from .stage import EMBEDDINGS, METRICS, REPORTS, params, track, trained_models


def _fractions(entry: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return what the probes read, the nuisances by a linear one and by an MLP."""
    leakage: dict[str, float] = {}
    for name, fraction in entry["leakage"].items():
        leakage |= {name: fraction, f"{name}, MLP probe": entry["leakage_mlp"][name]}
    return {"leakage": leakage, "kept": entry["kept"]}


def _embeddings(model: str) -> dict[str, np.ndarray]:
    files = sorted(EMBEDDINGS.glob(f"{model}.*.npy"))
    return {file.stem.removeprefix(f"{model}."): np.load(file) for file in files}


def main() -> None:
    """Run the stage."""
    evaluation, names = json.loads(METRICS.read_text()), params("names")
    REPORTS.mkdir(exist_ok=True)
    trained = {name: trained_models(name) for name in evaluation}
    histories = {name: [t.history() for t in runs] for name, runs in trained.items()}
    for name, per_seed in histories.items():
        table = pd.concat([pd.DataFrame(h) for h in per_seed], keys=[t.seed for t in trained[name]])
        table.index.names = ["seed", None]
        table.to_csv(REPORTS / f"curves_{name}.csv")

    fractions = {name: _fractions(entry) for name, entry in evaluation.items()}
    errors = {name: _fractions(entry["sd"]) for name, entry in evaluation.items()}
    spaces = {name: _embeddings(name) for name in evaluation}
    factors = pd.read_csv(EMBEDDINGS / "labels.csv")
    labels = factors[factors.columns[0]].to_numpy()  # a shared factor
    displays: dict[str, Any] = {
        "curves": TrainingDisplay.from_histories(histories, names=names),
        "information": LeakageDisplay.from_fractions(fractions, errors=errors, names=names),
        "spaces": ModalityGapDisplay.from_embeddings(spaces, labels=labels, names=names),
        "similarity": SimilarityDisplay.from_embeddings(spaces, labels=labels, names=names),
    }
    for name, runs in trained.items():
        if (file := runs[0].correlations_file).exists():
            displays[f"directions_{name}"] = LoadingsDisplay(pd.read_csv(file), {}).plot()
    for figure, display in displays.items():
        display.figure_.savefig(REPORTS / f"{figure}.png", dpi=110)
        plt.close(display.figure_)

    track()
    for runs in trained.values():
        for run in runs:
            with continue_run(run.run_id, run.run_name):
                mlflow.log_artifacts(str(REPORTS), "figures")


if __name__ == "__main__":
    main()
