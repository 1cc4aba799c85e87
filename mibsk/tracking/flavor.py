"""A flavour of MLflow models: a fitted `IBAligner`, which loads back as one, or as a pyfunc."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.utils.validation import check_is_fitted

from .. import __version__
from ..estimators import IBAligner
from ._mlflow import import_mlflow

FLAVOR_NAME = "mibsk"
_FILE = "aligner.joblib"


def save_model(aligner: IBAligner, path: str | Path, mlflow_model: Any = None) -> None:
    """Save a fitted aligner as an MLflow model folder.

    Parameters
    ----------
    aligner : IBAligner
        A fitted aligner.
    path : path
        A folder that does not exist yet.
    mlflow_model : mlflow.models.Model, default=None
        Completed and saved with it.
    """
    mlflow = import_mlflow()
    check_is_fitted(aligner)
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=False)
    joblib.dump(aligner, folder / _FILE)
    (folder / "requirements.txt").write_text(f"mibsk=={__version__}\n")
    model = mlflow.models.Model() if mlflow_model is None else mlflow_model
    model.signature = _signature(aligner)
    inputs = {
        spec.name: {"kind": spec.kind, "dtype": spec.dtype, "shape": [-1, *spec.shape]}
        for spec in aligner.inputs_.values()
    }
    model.add_flavor(FLAVOR_NAME, data=_FILE, version=__version__, inputs=inputs)
    mlflow.pyfunc.add_to_model(
        model, loader_module=__name__, data=_FILE, pip_requirements="requirements.txt"
    )
    model.save(folder / "MLmodel")


def log_model(
    aligner: IBAligner,
    name: str = "model",
    *,
    registered_model_name: str | None = None,
    alias: str | None = None,
) -> Any:
    """Log a fitted aligner into the active run, and register it if a name is given.

    Parameters
    ----------
    aligner : IBAligner
        A fitted aligner.
    name : str, default="model"
        Name of the logged model.
    registered_model_name : str, default=None
        Add it as a new version of this registered model.
    alias : str, default=None
        Let this alias of the registered model point to it.

    Returns
    -------
    mlflow.models.model.ModelInfo
    """
    if alias is not None and registered_model_name is None:
        raise ValueError("alias names a version of a registered model: pass registered_model_name.")
    mlflow = import_mlflow()
    from . import flavor  # this very module is what MLflow calls the flavour

    info = mlflow.models.Model.log(
        artifact_path=None,
        name=name,
        flavor=flavor,
        aligner=aligner,
        registered_model_name=registered_model_name,
    )
    if alias is not None:
        mlflow.MlflowClient().set_registered_model_alias(
            registered_model_name, alias, info.registered_model_version
        )
    return info


def load_model(model_uri: str) -> IBAligner:
    """Load an aligner that was logged or saved, e.g. ``models:/mibsk@champion``.

    It is unpickled: load only what you or people you trust have logged.

    Parameters
    ----------
    model_uri : str
        Anything that MLflow resolves to a model, or a folder.

    Returns
    -------
    IBAligner
    """
    mlflow = import_mlflow()
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri))
    return joblib.load(folder / _FILE)


class _Pyfunc:
    """What `mlflow.pyfunc.load_model` wraps."""

    def __init__(self, aligner: IBAligner) -> None:
        self.aligner = aligner

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> np.ndarray:
        """Return `transform` of a mapping of modality to rows, or of a table."""
        return self.aligner.transform(model_input)


def _load_pyfunc(path: str) -> _Pyfunc:
    return _Pyfunc(joblib.load(path))


def _signature(aligner: IBAligner) -> Any:
    """Return what `predict` returns. Inputs are left to the aligner, which takes what `fit` took.

    MLflow would compare types to the letter, and refuse float64 where float32 is written.
    """
    import_mlflow()
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    width = len(aligner.get_feature_names_out())
    return ModelSignature(outputs=Schema([TensorSpec(np.dtype("float32"), (-1, width))]))
