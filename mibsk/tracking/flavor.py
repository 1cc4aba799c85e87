"""MLflow flavour of fitted aligners and captioners, which load back, also as pyfunc models."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .. import __version__
from ..captioning import CAPTION, PICTURE
from ..data import is_mapping
from ..estimators import IBAligner, QFormerCaptioner
from ._bundle import BUNDLE, check_bundle
from ._environment import CODE, CONDA, PYTHON, write_environment
from ._mlflow import import_mlflow
from ._store import check_store

FLAVOR_NAME = "mibsk"
Model = IBAligner | QFormerCaptioner

_FILES: dict[str, type[Model]] = {
    "aligner.safetensors": IBAligner,
    "captioner.safetensors": QFormerCaptioner,
}


def save_model(
    aligner: Model,
    path: str | Path,
    mlflow_model: Any = None,
    *,
    bundle: str | Path | None = None,
) -> None:
    """Save a fitted aligner or captioner as an MLflow model folder.

    The folder holds the file of :meth:`IBAligner.save` or :meth:`QFormerCaptioner.save`, which runs
    no code when it is loaded by :func:`load_model`, and what `mlflow models serve` needs: a copy of
    this package, and the requirements of the packages that it imports. Served, or loaded with
    `mlflow.pyfunc`, the model returns the embeddings of whichever modalities it is given, by name;
    a captioner that is given a "picture" also returns its captions, under "generated".

    Parameters
    ----------
    aligner : IBAligner or QFormerCaptioner
        Fitted.
    path : path-like
        A folder, which must not exist.
    mlflow_model : mlflow.models.Model, default=None
        Model description to complete and save; by default a new one.
    bundle : path-like, default=None
        Folder that :func:`mibsk.bundle.write_bundle` has written of this aligner; it is copied into
        the model, so that :func:`fetch_bundle` finds it.

    Raises
    ------
    TypeError
        If `aligner` is neither.
    ValueError
        If the bundle is that of another model.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    FileExistsError
        If `path` exists.
    """
    mlflow = import_mlflow()
    if not isinstance(aligner, Model):
        raise TypeError(
            f"aligner must be an IBAligner or a QFormerCaptioner, got {type(aligner).__name__}; of "
            "a fitted IBAlignerCV, pass its aligner_."
        )
    check_is_fitted(aligner)
    trained = aligner.aligner_ if isinstance(aligner, QFormerCaptioner) else aligner
    if bundle is not None:
        check_bundle(bundle, trained.modality_names_, trained.n_components_)
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=False)
    if bundle is not None:
        shutil.copytree(bundle, folder / BUNDLE)
    file = next(name for name, kind in _FILES.items() if isinstance(aligner, kind))
    aligner.save(folder / file)
    write_environment(folder, () if aligner is trained else ("tokenizers",))
    model = mlflow.models.Model() if mlflow_model is None else mlflow_model
    model.signature = _signature(trained)
    inputs = {
        spec.name: {"kind": spec.kind, "dtype": spec.dtype, "shape": [-1, *spec.shape]}
        for spec in trained.inputs_.values()
    }
    model.add_flavor(FLAVOR_NAME, data=file, version=__version__, inputs=inputs)
    mlflow.pyfunc.add_to_model(
        model,
        loader_module=__name__,
        data=file,
        code=CODE,
        conda_env=CONDA,
        python_env=PYTHON,
        # MLflow accepts only these keys in `mlflow.pyfunc.load_model(uri, model_config={...})`
        model_config=dict.fromkeys(aligner.get_params(deep=False)),
    )
    model.save(folder / "MLmodel")


def log_model(
    aligner: Model,
    name: str = "model",
    *,
    registered_model_name: str | None = None,
    alias: str | None = None,
    bundle: str | Path | None = None,
) -> Any:
    """Log a fitted aligner or captioner to the active run, and optionally register it.

    Parameters
    ----------
    aligner : IBAligner or QFormerCaptioner
        Fitted.
    name : str, default="model"
        Name of the logged model.
    registered_model_name : str, default=None
        Registered model to which it is added as a new version.
    alias : str, default=None
        Alias of the registered model that is set to the new version.
    bundle : path-like, default=None
        Folder that :func:`mibsk.bundle.write_bundle` has written of this aligner; it is logged with
        the model.

    Returns
    -------
    mlflow.models.model.ModelInfo
    """
    if alias is not None and registered_model_name is None:
        raise ValueError("alias names a version of a registered model: pass registered_model_name.")
    mlflow = import_mlflow()
    from . import flavor  # MLflow calls `save_model` of this module

    info = mlflow.models.Model.log(
        artifact_path=None,
        name=name,
        flavor=flavor,
        aligner=aligner,
        registered_model_name=registered_model_name,
        bundle=bundle,
    )
    if alias is not None:
        mlflow.MlflowClient().set_registered_model_alias(
            registered_model_name, alias, info.registered_model_version
        )
    return info


def load_model(model_uri: str, **params: Any) -> Model:
    """Load an aligner or a captioner that was logged or saved, e.g. ``models:/mibsk@champion``.

    Loading runs no code.

    Parameters
    ----------
    model_uri : str
        URI of an MLflow model, or a folder. ``models:/`` and ``runs:/`` refer to the store that
        MLflow is set to, by ``MLFLOW_TRACKING_URI``, `mlflow.set_tracking_uri` or
        :func:`use_store`; by default it is the file ``mlflow.db`` in the working directory.
    **params : dict
        Parameters as in :meth:`IBAligner.load`: in place of the saved ones, and objects that a
        file cannot hold, such as an `nn.Module` among the encoders.

    Returns
    -------
    IBAligner or QFormerCaptioner

    Raises
    ------
    FileNotFoundError
        If the store does not exist.
    ValueError
        If the model was not logged by this package, was logged as a pickle by an earlier version,
        or :meth:`IBAligner.load` refuses its file.
    """
    mlflow = import_mlflow()
    check_store(model_uri)
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri))
    flavors = mlflow.models.Model.load(folder).flavors
    if FLAVOR_NAME not in flavors:
        raise ValueError(
            f"{model_uri} must be a model of the flavour {FLAVOR_NAME!r}, got {sorted(flavors)}."
        )
    return _load(folder / flavors[FLAVOR_NAME]["data"], params)


def _load(file: Path, params: Mapping[str, Any]) -> Model:
    if file.suffix == ".joblib":
        raise ValueError(
            f"{file.name} is a pickle, as earlier versions of mibsk logged models: load it with "
            "the version that logged it, save it with IBAligner.save, and log it again."
        )
    return _FILES[file.name].load(file, **params)


class _Pyfunc:
    """Model that `mlflow.pyfunc.load_model` wraps."""

    def __init__(self, aligner: IBAligner) -> None:
        self.aligner = aligner

    def predict(
        self, model_input: Any, params: dict[str, Any] | None = None
    ) -> dict[str, np.ndarray]:
        """Return the embeddings (n, n_components) of each given modality, by name.

        Parameters
        ----------
        model_input : mapping of str to array-like, or table
            Rows of one modality or more by name, or a table with all columns of the training.
        params : dict, default=None
            Not used; MLflow passes it.
        """
        aligner = self.aligner
        if is_mapping(model_input) and len(model_input):
            # also of an aligner that was fitted on tables, of which one part may be missing
            return {name: aligner.embed_modality(name, X) for name, X in model_input.items()}
        return aligner.embed(model_input)


class _CaptionerPyfunc:
    """Captioner that `mlflow.pyfunc.load_model` wraps."""

    def __init__(self, captioner: QFormerCaptioner) -> None:
        self.captioner = captioner

    def predict(
        self, model_input: Any, params: dict[str, Any] | None = None
    ) -> dict[str, np.ndarray]:
        """Return embeddings (n, n_components) by name, and captions (n,) of the pictures.

        Parameters
        ----------
        model_input : mapping of str to array-like
            Features under "picture", texts under "caption", or both.
        params : dict, default=None
            Not used; MLflow passes it.
        """
        if not is_mapping(model_input) or not len(model_input):
            raise TypeError(
                f"a captioner reads a mapping with {PICTURE!r}, {CAPTION!r} or both, got "
                f"{type(model_input).__name__}."
            )
        found = self.captioner.embed(model_input)
        if PICTURE in found and self.captioner.captioning:
            found["generated"] = self.captioner.predict(model_input[PICTURE]).astype(str)
        return found


def _load_pyfunc(
    path: str, model_config: Mapping[str, Any] | None = None
) -> _Pyfunc | _CaptionerPyfunc:
    passed = {name: value for name, value in (model_config or {}).items() if value is not None}
    model = _load(Path(path), passed)
    return _CaptionerPyfunc(model) if isinstance(model, QFormerCaptioner) else _Pyfunc(model)


def _signature(aligner: IBAligner) -> Any:
    """Return the signature of `predict`, without inputs, which the aligner checks itself.

    MLflow would require all modalities and the exact dtype, and refuse float64 where float32 was
    declared.
    """
    import_mlflow()
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    shape = (-1, aligner.n_components_)
    outputs: list[Any] = [
        TensorSpec(np.dtype("float32"), shape, name) for name in aligner.modality_names_
    ]
    return ModelSignature(outputs=Schema(outputs))
