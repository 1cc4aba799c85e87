"""Export the encoders of a model to ONNX files, and register the model."""

from __future__ import annotations

import json

import mlflow
import numpy as np

from mibsk import OnnxEncoder
from mibsk.datasets import load_bunch
from mibsk.onnx import export_encoders
from mibsk.tracking import continue_run, load_model, log_model

from .stage import DATA, EXPORTS, params, track, trained_models


def main() -> None:
    """Run the stage."""
    settings = params("export")
    chosen = trained_models(settings["model"])[0]
    aligner = chosen.load()
    files = export_encoders(aligner, EXPORTS)
    data = load_bunch(DATA / "test").data
    summary = {}
    for name, file in files.items():
        encoder = OnnxEncoder(file)
        error = np.abs(
            encoder.transform(data[name]) - aligner.embed({name: data[name]})[name]
        ).max()
        summary[name] = {
            "file": file.name,
            "parity_on_fresh_inputs": encoder.metadata_.parity,
            "parity_on_test_rows": float(error),
        }
        print(f"{file.name}: differs from torch by at most {error:.1e} on the test rows")
    (EXPORTS / "parity.json").write_text(json.dumps(summary, indent=1) + "\n")

    track()
    with continue_run(chosen.run_id, chosen.run_name):
        mlflow.log_artifacts(str(EXPORTS), "onnx")
        log_model(
            aligner,
            "registered",
            registered_model_name=settings["registered_name"],
            alias=settings["alias"],
        )
    uri = f"models:/{settings['registered_name']}@{settings['alias']}"
    again = load_model(uri).embed({name: data[name][:8] for name in [next(iter(data))]})
    for name, embedded in again.items():
        if not np.array_equal(embedded, aligner.embed({name: data[name][:8]})[name]):
            raise RuntimeError(f"{uri} is not the model that was registered.")
    print(f"registered and verified as {uri}")


if __name__ == "__main__":
    main()
