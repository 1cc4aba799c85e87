"""Files of canonical bottlenecks, which execute no code when they are loaded."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..data import InputSpec, form_from_dict, form_to_dict
from ..files.state_file import read_state, write_state
from ..training import Foreign, pack_params, unpack_params
from ._canonical_state import CanonicalState, from_values, to_values

_MODEL = "CanonicalBottleneck"


def save_canonical(estimator: Any, state: CanonicalState, path: str | os.PathLike[str]) -> None:
    """Write parameters and state of a fitted estimator."""
    names = state.columns.get("feature_names_in_")
    values = {
        "model": _MODEL,
        "params": pack_params(estimator.get_params(deep=False), state.form),
        "form": form_to_dict(state.form),
        "inputs": [spec.to_dict() for spec in state.inputs.values()],
        "n_features_in": state.columns.get("n_features_in_"),
        "feature_names_in": None if names is None else names.tolist(),
        "state": to_values(state),
    }
    write_state(path, values)


def load_canonical(path: str | os.PathLike[str]) -> tuple[dict[str, Any], CanonicalState]:
    """Return the parameters and the state of :func:`save_canonical`.

    Raises
    ------
    ValueError
        If the file contains another model.
    """
    values = read_state(path)
    try:
        if values["model"] != _MODEL:
            raise ValueError(f"it is a {values['model']!r}")
        params = unpack_params(values["params"])
        if isinstance(params["modalities"], Foreign):
            params["modalities"] = None
        columns = {}
        if values["n_features_in"] is not None:
            columns["n_features_in_"] = values["n_features_in"]
        if values["feature_names_in"] is not None:
            columns["feature_names_in_"] = np.asarray(values["feature_names_in"], dtype=object)
        inputs = {spec.name: spec for spec in map(InputSpec.from_dict, values["inputs"])}
        state = from_values(values["state"], form_from_dict(values["form"]), inputs, columns)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{os.fspath(path)} does not hold a CanonicalBottleneck as this version of mibsk "
            f"writes it ({error!r})."
        ) from error
    return params, state
