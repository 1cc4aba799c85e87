"""Measure alignment, retrieval, leakage and kept information on test rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from mibsk import ClassPairs, IBAligner
from mibsk.datasets import load_bunch
from mibsk.metrics import alignment_report, information_report
from mibsk.tracking import continue_run

from .comparison import compare
from .stage import COMPARISON, DATA, EMBEDDINGS, METRICS, params, track, trained_models


def factors_of_pairs(test: Bunch) -> pd.DataFrame:
    """Return the labelled factors of every pair, shared ones first."""
    anchor = test.data.anchor if isinstance(test.data, ClassPairs) else next(iter(test.data))
    factors = test.labels[anchor]
    return factors[[*test.shared, *(name for name in factors if name not in test.shared)]]


def shared_classes(test: Bunch) -> np.ndarray:
    """Return class labels of the pairs, one class per combination of shared factors."""
    return factors_of_pairs(test).groupby(test.shared).ngroup().to_numpy()


def measure(aligner: IBAligner, train: Bunch, test: Bunch, k: int) -> dict[str, Any]:
    """Return all measures of one trained aligner.

    A retrieved row is correct if all of its shared factors are. Leakage of a nuisance and kept
    information of a shared factor are means over the modalities that are labelled with it.
    """
    embeddings, embeddings_test = (
        {name: aligner.embed_modality(name, rows[name]) for name in rows}
        for rows in (train.data, test.data)
    )
    fractions, fractions_mlp = (
        information_report(
            embeddings,
            train.labels,
            embeddings_test=embeddings_test,
            labels_test=test.labels,
            probe=probe,
        )
        for probe in ("linear", "mlp")
    )
    return {
        **alignment_report(aligner.embed(test.data), k=k, labels=shared_classes(test)),
        "leakage": {name: float(fractions.loc[name].mean()) for name in test.nuisances},
        "leakage_mlp": {name: float(fractions_mlp.loc[name].mean()) for name in test.nuisances},
        "kept": {name: float(fractions.loc[name].mean()) for name in test.shared},
        "kept_by_modality": {name: _plain(fractions.loc[name]) for name in test.shared},
        "temperature": aligner.temperature_,
        "n_components": aligner.n_components_,
    }


def _plain(row: pd.Series) -> dict[str, float]:
    return {str(key): float(value) for key, value in row.dropna().items()}


def reduce_entries(measured: Sequence[Any], reduce: Callable[[Sequence[float]], Any]) -> Any:
    """Reduce nested dicts of numbers with equal keys, entry by entry."""
    first = measured[0]
    if isinstance(first, dict):
        return {key: reduce_entries([m[key] for m in measured], reduce) for key in first}
    return float(reduce(measured))


def flatten(nested: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """Return a flat dict with keys such as ``leakage.speaker``."""
    flat: dict[str, float] = {}
    for key, value in nested.items():
        path = f"{prefix}{key}"
        flat |= flatten(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return flat


def main() -> None:
    """Run the stage."""
    settings = params("evaluate")
    train, test = load_bunch(DATA / "train"), load_bunch(DATA / "test")
    EMBEDDINGS.mkdir(exist_ok=True)
    factors_of_pairs(test).to_csv(EMBEDDINGS / "labels.csv", index=False)
    track()
    evaluation, by_seed = {}, {}
    for name in params("train")["models"]:
        measured = []
        for trained in trained_models(name):
            aligner = trained.load()
            measured.append(measure(aligner, train, test, settings["k"]))
            with continue_run(trained.run_id, trained.run_name):
                mlflow.log_metrics({f"test.{k}": v for k, v in flatten(measured[-1]).items()})
            if len(measured) == 1:
                for modality, Z in aligner.embed(test.data).items():
                    np.save(EMBEDDINGS / f"{name}.{modality}.npy", Z)
            print(f"measured {trained.run_name}", flush=True)
        evaluation[name] = {
            **reduce_entries(measured, np.mean),
            "n_seeds": len(measured),
            "sd": reduce_entries(measured, lambda v: np.std(v, ddof=1) if len(v) > 1 else 0.0),
        }
        by_seed[name] = [flatten(entry) for entry in measured]
    METRICS.parent.mkdir(exist_ok=True)
    METRICS.write_text(json.dumps(evaluation, indent=1) + "\n")
    comparison = compare(by_seed, settings["compared"])
    COMPARISON.write_text(json.dumps(comparison, indent=1) + "\n")


if __name__ == "__main__":
    main()
