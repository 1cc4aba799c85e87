"""Conversion of a trained model to the values of a state file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from skorch.history import History

from ..data import Form, InputSpec, form_from_dict, form_to_dict
from ..encoders import InputScaling
from ._bottleneck import FittedBottleneck
from ._closed_form import FittedClosedForm
from ._params import AlignerParams
from ._result import Trained
from ._saved_params import pack_params, unpack_params
from ._torch_defaults import torch_defaults

_MODEL = "IBAligner"
_EARLIER = {
    "bottleneck": None,
    "chunk_size": None,
    "input_scaling": "columns",
    "lr_schedule": None,
    "same_group": "negative",
}


@dataclass(frozen=True)
class SavedModel:
    """Content of the file of a model."""

    params: dict[str, Any]
    form: Form
    inputs: dict[str, InputSpec]
    seed: int
    optimizer: str
    columns: dict[str, Any]
    output_config: dict[str, Any] | None
    training: dict[str, Any]
    bottleneck: FittedBottleneck | None
    closed_form: FittedClosedForm | None


def model_state(aligner: AlignerParams, trained: Trained) -> dict[str, Any]:
    """Return a model without its weights, as values for a state file."""
    names = trained.columns.get("feature_names_in_")
    return {
        "model": _MODEL,
        "params": pack_params(aligner.get_params(deep=False), trained.form),
        "form": form_to_dict(trained.form),
        "inputs": [spec.to_dict() for spec in trained.inputs.values()],
        "seed": trained.net.seed,
        "optimizer": type(trained.net.optimizer_).__qualname__,
        "n_features_in": trained.columns.get("n_features_in_"),
        "feature_names_in": None if names is None else names.tolist(),
        "output_config": vars(aligner).get("_sklearn_output_config"),
        "bottleneck": None if trained.bottleneck is None else asdict(trained.bottleneck),
        "closed_form": None if trained.closed_form is None else vars(trained.closed_form),
    }


@torch_defaults()
def read_model_state(state: Any, path: str) -> SavedModel:
    """Return the model from the result of :func:`model_state` with the state of training.

    Raises
    ------
    ValueError
        If `state` has another structure.
    """
    try:
        if state["model"] != _MODEL:
            raise ValueError(f"it is a {state['model']!r}")
        form = form_from_dict(state["form"])
        inputs = {spec.name: spec for spec in map(InputSpec.from_dict, state["inputs"])}
        if form.names != list(inputs):
            raise ValueError(f"{form.names} and {list(inputs)} differ")
        columns = {}
        if state["n_features_in"] is not None:
            columns["n_features_in_"] = state["n_features_in"]
        if state["feature_names_in"] is not None:
            columns["feature_names_in_"] = np.asarray(state["feature_names_in"], dtype=object)
        training = dict(state["training"])
        training["history"] = History(map(dict, training["history"]))
        training["scalings"] = _scalings(inputs, training["module"])
        bottleneck, closed_form = state.get("bottleneck"), state.get("closed_form")
        return SavedModel(
            # files of earlier versions lack the parameters and the stages
            {**_EARLIER, **unpack_params(state["params"])},
            form,
            inputs,
            state["seed"],
            state["optimizer"],
            columns,
            state["output_config"],
            training,
            None if bottleneck is None else FittedBottleneck(**bottleneck),
            None if closed_form is None else FittedClosedForm(**closed_form),
        )
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} does not hold an IBAligner as this version of mibsk writes it ({error!r})."
        ) from error


def _scalings(
    inputs: Mapping[str, InputSpec], weights: Mapping[str, torch.Tensor]
) -> dict[str, InputScaling | None]:
    """Return the input scaling of each modality, with its shape from the weights."""
    scalings: dict[str, InputScaling | None] = {}
    for i, name in enumerate(inputs):
        mean, scale = (weights.get(f"encoders.{i}.scaling.{part}") for part in ("mean", "scale"))
        if mean is None or scale is None:
            scalings[name] = None
        else:
            scalings[name] = InputScaling(mean.numpy(), scale.numpy())
    return scalings
