"""Print the results of the pipeline, and where its files are."""

from __future__ import annotations

import json
from typing import Any

from tabulate import tabulate

from .stage import EXPORTS, METRICS, REPORTS, ROOT, params


def rows(evaluation: dict[str, Any]) -> list[list[str]]:
    """Return the table, one row per measure and one column per model."""
    first = next(iter(evaluation.values()))

    def row(title: str, *path: str) -> list[str]:
        return [title, *(cell(entry, path) for entry in evaluation.values())]

    directions = [
        row(f"recall@1 {key.replace('_to_', ' to ')}  (higher is better)", "recall_at_1", key)
        for key in first["recall_at_1"]
    ]
    leaked = [row(f"leaked: {key}  (lower is better)", "leakage", key) for key in first["leakage"]]
    leaked_mlp = [
        row(f"leaked to an MLP: {key}  (lower is better)", "leakage_mlp", key)
        for key in first["leakage_mlp"]
    ]
    kept = [row(f"kept: {key}  (higher is better)", "kept", key) for key in first["kept"]]
    return [
        row("alignment: CKA  (higher is better)", "cka"),
        row("alignment: mutual k-NN  (higher is better)", "mutual_knn"),
        *directions,
        *leaked,
        *leaked_mlp,
        *kept,
        row("temperature", "temperature"),
        row("modality gap", "modality_gap"),
        row("dimensions", "n_components"),
    ]


def cell(entry: dict[str, Any], path: tuple[str, ...]) -> str:
    """Return ``mean ± sd`` over seeds of one measure of one model."""
    mean, sd = entry, entry["sd"]
    for key in path:
        mean, sd = mean[key], sd[key]
    if entry["n_seeds"] == 1:
        return f"{mean:.3f}"
    return f"{mean:.3f} ± {sd:.3f}"


def main() -> None:
    """Print the table and the paths."""
    evaluation = json.loads(METRICS.read_text())
    models = params("train")["models"]
    seeds = next(iter(evaluation.values()))["n_seeds"]
    headers = [
        f"test rows, {seeds} seed(s)",
        *(f"{name} (beta={models[name]['beta']:g})" for name in evaluation),
    ]
    print()
    print(tabulate(rows(evaluation), headers=headers, disable_numparse=True))
    print()
    figures = ", ".join(sorted(file.name for file in REPORTS.glob("*.png")))
    encoders = ", ".join(sorted(file.name for file in EXPORTS.glob("*.onnx")))
    here = ROOT.name
    print(f"Pictures:      {here}/{REPORTS.name}/   {figures}")
    print(f"ONNX encoders: {here}/{EXPORTS.name}/   {encoders}")
    print("               >>> from mibsk import OnnxEncoder")
    print(f"               >>> OnnxEncoder('{EXPORTS.name}/<modality>.onnx').transform(X)")
    registered = params("export")
    uri = f"models:/{registered['registered_name']}@{registered['alias']}"
    print(f"MLflow runs:   {here}/mlflow.db   open them with `make ui`; the model is {uri}")


if __name__ == "__main__":
    main()
