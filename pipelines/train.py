"""Train one model with each seed, and track each training as an MLflow run."""

from __future__ import annotations

import sys
import warnings

import mlflow

from mibsk import IBAligner
from mibsk.datasets import load_bunch
from mibsk.exceptions import DuplicateRowsWarning
from mibsk.tracking import MlflowCallback, log_model, tracked_run

from .stage import DATA, MODELS, TrainedModel, params, track, write_index


def main(name: str) -> None:
    """Run the stage for the model with this name."""
    settings = params("train")
    data = load_bunch(DATA / "train").data
    (MODELS / name).mkdir(parents=True, exist_ok=True)
    track()
    # rows of "factors" repeat, since factors have few values
    warnings.simplefilter("ignore", DuplicateRowsWarning)
    trained = []
    for seed in settings["seeds"]:
        aligner = IBAligner(
            encoders=settings["encoders"][params("prepare")["dataset"]],
            random_state=seed,
            verbose=1,
            **settings["aligner"],
            **settings["models"][name],
        )
        print(f"\n{name}, seed {seed}: {settings['models'][name]}")
        with tracked_run(f"{name}-seed{seed}") as run:
            mlflow.set_tag("model", name)
            mlflow.log_params({k: v for k, v in aligner.get_params().items() if v is not None})
            aligner.set_params(callbacks=[MlflowCallback()]).fit(data)
            mlflow.log_metric("n_components", aligner.n_components_)
            info = log_model(aligner)
            trained.append(TrainedModel(name, seed, run.info.run_id, info.model_uri))
            trained[-1].save(aligner)
            if (file := trained[-1].correlations_file).exists():
                mlflow.log_artifact(str(file))
        if mlflow.get_run(run.info.run_id).info.status == "KILLED":
            raise KeyboardInterrupt("the last training is not complete")
    write_index(name, trained)


if __name__ == "__main__":
    main(sys.argv[1])
