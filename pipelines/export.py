"""Write a bundle of the encoders of a model, exported to ONNX, and check their parity."""

from __future__ import annotations

import json

import numpy as np

from mibsk.bundle import Bundle, write_bundle
from mibsk.datasets import load_bunch

from .described import data_source, metrics_of
from .stage import DATA, EXPORTS, METRICS, params, trained_models


def main() -> None:
    """Run the stage."""
    settings, dataset = params("export"), params("prepare")["dataset"]
    chosen = trained_models(settings["model"])[0]
    aligner = chosen.load()
    test = load_bunch(DATA / "test")
    manifest = write_bundle(
        aligner,
        EXPORTS,
        name=settings["registered_name"],
        data=data_source(dataset, test.DESCR),
        training={"run": chosen.run_name, "run_id": chosen.run_id, "seed": chosen.seed},
        metrics=metrics_of(json.loads(METRICS.read_text())[settings["model"]]),
    )
    bundle = Bundle(EXPORTS)
    summary = {}
    for name, rows in test.data.items():
        expected = aligner.embed_modality(name, rows)
        error = float(np.abs(bundle.embed(name, rows) - expected).max())
        file = manifest.encoders[name]
        summary[name] = {
            "file": file.file,
            "parity_on_fresh_inputs": file.parity,
            "parity_on_test_rows": error,
        }
        print(f"{file.file}: differs from torch by at most {error:.1e} on the test rows")
    (EXPORTS / "parity.json").write_text(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    main()
