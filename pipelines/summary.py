"""Print the results of the pipeline, and where its files are."""

from __future__ import annotations

import json
from typing import Any

from tabulate import tabulate

from .intervals import Interval
from .stage import COMPARISON, EXPORTS, METRICS, REPORTS, ROOT, params, store_file, store_uri

LOWER, HIGHER = "  (lower is better)", "  (higher is better)"


def measures(entry: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return title -> path of each measure in the entry of a model."""
    factors = {
        f"{title}{factor}{better}": (kind, factor)
        for kind, title, better in (
            ("leakage", "leaked: ", LOWER),
            ("leakage_mlp", "leaked to an MLP: ", LOWER),
            ("kept", "kept: ", HIGHER),
        )
        for factor in entry[kind]
    }
    directions = {
        f"recall@1 {key.replace('_to_', ' to ')}{HIGHER}": ("recall_at_1", key)
        for key in entry["recall_at_1"]
    }
    return {
        f"alignment: CKA{HIGHER}": ("cka",),
        f"alignment: mutual k-NN{HIGHER}": ("mutual_knn",),
        **directions,
        **factors,
        "temperature": ("temperature",),
        "modality gap": ("modality_gap",),
        "dimensions": ("n_components",),
    }


def cell(entry: dict[str, Any], path: tuple[str, ...]) -> str:
    """Return ``mean ± sd`` over seeds of one measure of one model."""
    mean, sd = entry, entry["sd"]
    for key in path:
        mean, sd = mean[key], sd[key]
    if entry["n_seeds"] == 1:
        return f"{mean:.3f}"
    return f"{mean:.3f} ± {sd:.3f}"


def measured_table(evaluation: dict[str, Any], headers: dict[str, str]) -> str:
    """Return the table of measures, one column per model."""
    first = next(iter(evaluation.values()))
    rows = [
        [title, *(cell(entry, path) for entry in evaluation.values())]
        for title, path in measures(first).items()
    ]
    corner = f"test rows, {first['n_seeds']} seed(s)"
    return tabulate(rows, [corner, *(headers[name] for name in evaluation)], disable_numparse=True)


def compared_table(
    evaluation: dict[str, Any], comparison: dict[str, Any], headers: dict[str, str], corner: str
) -> str:
    """Return the table of differences, one column per model that is compared with."""
    first = next(iter(evaluation.values()))
    rows = [
        [title, *(str(Interval(**entry[".".join(path)])) for entry in comparison.values())]
        for title, path in measures(first).items()
    ]
    return tabulate(rows, [corner, *(headers[name] for name in comparison)], disable_numparse=True)


def main() -> None:
    """Print the tables and the paths."""
    evaluation = json.loads(METRICS.read_text())
    comparison = json.loads(COMPARISON.read_text())
    models, names = params("train")["models"], params("names")
    headers = {
        name: f"{names.get(name, name)}\n{name}, beta={models[name]['beta']}" for name in evaluation
    }
    print()
    print(measured_table(evaluation, headers))
    if comparison:
        compared = params("evaluate")["compared"]
        corner = f"{compared} less ...\nmean [95 % interval] over seeds"
        print()
        print(compared_table(evaluation, comparison, headers, corner))
    print()
    figures = ", ".join(sorted(file.name for file in REPORTS.glob("*.png")))
    here = ROOT.name
    print(f"Pictures:      {here}/{REPORTS.name}/   {figures}")
    print(f"ONNX encoders: {here}/{EXPORTS.name}/   search them in a browser with `make serve`")
    print("               >>> from mibsk.bundle import Bundle")
    print(f"               >>> Bundle('{EXPORTS.name}').embed(modality, rows)")
    print(runs_line(here))
    print("Compare with the committed results: `dvc metrics diff` (see docs/tracking.md).")


def runs_line(here: str) -> str:
    """Return the place of the MLflow runs, if there are any."""
    settings, store = params("export"), store_file()
    if store is not None and not store.exists():
        return (
            "MLflow runs:   none here, since these results were pulled: `dvc repro` registers the "
            "model in a new store; set MLFLOW_TRACKING_URI for another one"
        )
    place = store_uri() if store is None else f"{here}/{store.name}"
    uri = f"models:/{settings['registered_name']}@{settings['alias']}"
    return f"MLflow runs:   {place}   open them with `make ui`; the model is {uri}"


if __name__ == "__main__":
    main()
