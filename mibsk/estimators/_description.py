"""What a file says of a model beside its weights: enough to build the same model around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..data import Form, InputSpec
from ..data._forms import form_from_dict, form_to_dict
from ._net import AlignmentNet
from ._saved_params import pack_params, unpack_params

_MODEL = "IBAligner"


@dataclass(frozen=True)
class Description:
    """A model without its weights.

    Parameters
    ----------
    params : dict of str to object
        Parameters of the aligner; `Foreign` stands for objects of the user's.
    form : Form
        How data were read.
    inputs : dict of str to InputSpec
        What each modality looks like.
    seed : int
        Of the net.
    optimizer : str
        Class of the net's optimizer, whose state is stored with the weights.
    attributes : dict of str to object
        What else the aligner has learned: ``n_features_in_``, ``feature_names_in_``.
    """

    params: dict[str, Any]
    form: Form
    inputs: dict[str, InputSpec]
    seed: int
    optimizer: str
    attributes: dict[str, Any]


def describe(
    aligner: BaseEstimator,
    form: Form,
    inputs: Mapping[str, InputSpec],
    net: AlignmentNet,
    columns: BaseEstimator,
) -> dict[str, Any]:
    """Return values that a state file holds and :func:`read_description` understands.

    Parameters
    ----------
    aligner : IBAligner
        Its parameters are read.
    form : Form
        How its data were read.
    inputs : mapping of str to InputSpec
        What each modality looks like.
    net : AlignmentNet
        The net, trained or in training.
    columns : estimator
        Has ``n_features_in_`` and ``feature_names_in_`` if data came as a table.
    """
    seen = vars(columns)
    names = seen.get("feature_names_in_")
    return {
        "model": _MODEL,
        "params": pack_params(aligner.get_params(deep=False), form),
        "form": form_to_dict(form),
        "inputs": [spec.to_dict() for spec in inputs.values()],
        "seed": net.seed,
        "optimizer": type(net.optimizer_).__qualname__,
        "n_features_in": seen.get("n_features_in_"),
        "feature_names_in": None if names is None else names.tolist(),
        "output_config": vars(aligner).get("_sklearn_output_config"),
    }


def read_description(state: Any) -> Description:
    """Read what :func:`describe` returned.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        If it is anything else.
    """
    if state["model"] != _MODEL:
        raise ValueError(f"it is a {state['model']!r}")
    form = form_from_dict(state["form"])
    inputs = {spec.name: spec for spec in map(InputSpec.from_dict, state["inputs"])}
    if form.names != list(inputs):
        raise ValueError(f"{form.names} and {list(inputs)} differ")
    attributes = {}
    if state["n_features_in"] is not None:
        attributes["n_features_in_"] = state["n_features_in"]
    if state["feature_names_in"] is not None:
        attributes["feature_names_in_"] = np.asarray(state["feature_names_in"], dtype=object)
    if state["output_config"] is not None:
        attributes["_sklearn_output_config"] = state["output_config"]
    return Description(
        unpack_params(state["params"]),
        form,
        inputs,
        state["seed"],
        state["optimizer"],
        attributes,
    )
