"""Export the encoders of a model to ONNX files, and check their parity."""

from __future__ import annotations

import json

import numpy as np

from mibsk import OnnxEncoder
from mibsk.datasets import load_bunch
from mibsk.onnx import export_encoders

from .stage import DATA, EXPORTS, params, trained_models


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


if __name__ == "__main__":
    main()
