"""Fitted aligners in files that run no code when they are loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeVar

from sklearn.utils.validation import check_is_fitted

from .._checks.parameters import suggest
from ..encoders import encoder_names
from ..files.state_file import read_state, write_state
from ..losses import MINIMALITY, SUFFICIENCY
from ..training import Foreign, model_state, read_model_state, rebuild
from ._fitted import FittedAligner
from ._pickling import device_here

Aligner = TypeVar("Aligner", bound=FittedAligner)

# parameters with which the net of the file is built; others that are passed are for a later fit
_FOR_THE_NET = ("encoders", "device")


def save_model_file(aligner: FittedAligner, path: str | os.PathLike[str]) -> None:
    """Write a fitted aligner with all that a later `fit` goes on from.

    Parameters
    ----------
    aligner : IBAligner
        A fitted aligner.
    path : path
        The file, by custom ``*.safetensors``; an earlier one is replaced.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    TypeError
        If its encoders, optimizer or history hold what a file cannot; the message says where.
    OSError
        If the file cannot be written.
    """
    check_is_fitted(aligner)
    trained = aligner.trained_
    training = trained.net.training_state(with_frozen=True)
    write_state(path, {**model_state(aligner, trained), "training": training})


def load_model_file(
    cls: type[Aligner], path: str | os.PathLike[str], params: Mapping[str, Any]
) -> Aligner:
    """Read a fitted aligner; nothing in the file is run.

    Parameters
    ----------
    cls : type
        `IBAligner`, or a class derived from it.
    path : path
        What :func:`save_model_file` wrote, or a checkpoint.
    params : mapping of str to object
        Parameters that take the place of the saved ones. Objects that a file cannot hold, such as
        an `nn.Module` among the encoders, must be among them. A mapping of encoders is laid over
        the saved one.

    Returns
    -------
    IBAligner

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    mibsk.exceptions.TornFileError
        If it is incomplete or damaged.
    ValueError
        If it holds no aligner, was written by a newer version, lacks objects that were not passed,
        or its weights do not fit those that were; or if a parameter is unknown.

    Warns
    -----
    mibsk.exceptions.VersionWarning
        If another version of mibsk wrote it.
    UserWarning
        If the device it was fitted on is not there; it is then loaded elsewhere.
    """
    path = os.fspath(path)
    known = cls._get_param_names()
    if unknown := [name for name in params if name not in known]:
        raise ValueError(
            f"{cls.__name__} has no parameter {unknown[0]!r}." + suggest(unknown[0], known)
        )
    saved = read_model_state(read_state(path), path)
    if unknown := [name for name in saved.params if name not in known]:
        raise ValueError(
            f"{path} was saved with the parameter {unknown[0]!r}, which {cls.__name__} of this "
            "version of mibsk does not have: load it with the version that wrote it."
        )
    aligner = cls(**_params_of_the_net(saved.params, params, path))
    if "device" not in params:
        aligner.device = device_here(aligner.device, path)
    aligner._validate_params()
    _check_names(aligner, path)
    aligner._adopt(rebuild(aligner, saved, path))
    if saved.output_config is not None:
        aligner._sklearn_output_config = saved.output_config
    aligner.set_params(**{name: params[name] for name in params if name not in _FOR_THE_NET})
    aligner._validate_params()
    return aligner


def _params_of_the_net(
    saved: dict[str, Any], passed: Mapping[str, Any], path: str
) -> dict[str, Any]:
    """Return the parameters with which the net was built, those that were lost taken from `passed`.

    Raises
    ------
    ValueError
        If one that was lost is not passed.
    """
    chosen = dict(saved)
    for name, value in passed.items():
        if name in _FOR_THE_NET or isinstance(saved.get(name), Foreign):
            both = isinstance(value, Mapping) and isinstance(saved.get(name), Mapping)
            chosen[name] = {**saved[name], **value} if both else value
    lost, advice = [], []
    for name, value in chosen.items():
        if isinstance(value, Foreign):
            lost.append(f"{name} ({value.type_name})")
            advice.append(f"{name}=...")
        elif isinstance(value, Mapping):
            inside = {key: item for key, item in value.items() if isinstance(item, Foreign)}
            lost += [f"{name}[{key!r}] ({item.type_name})" for key, item in inside.items()]
            if inside:
                advice.append(f"{name}={{{', '.join(f'{key!r}: ...' for key in inside)}}}")
    if lost:
        raise ValueError(
            f"{path} holds the weights, but not these objects, which a file that runs no code "
            f"cannot hold: {', '.join(lost)}. Pass them: IBAligner.load(path, {', '.join(advice)})."
        )
    return chosen


def _check_names(aligner: Any, path: str) -> None:
    """Raise ``ValueError`` if the aligner names an encoder or a loss that is not registered."""
    encoders = aligner.encoders
    named = [
        ("encoder", "mibsk.encoders.register_encoder", "encoders", spec, ["auto", *encoder_names()])
        for spec in (encoders.values() if isinstance(encoders, Mapping) else [encoders])
    ]
    for kind, known in (("sufficiency", SUFFICIENCY), ("minimality", MINIMALITY)):
        given = aligner.get_params(deep=False)[kind]
        named.append((f"{kind} term", f"mibsk.losses.register_{kind}", kind, given, list(known)))
    for what, register, parameter, given, names in named:
        if isinstance(given, str) and given not in names:
            raise ValueError(
                f"{path} has an {what} named {given!r}, which is not known here: register it as "
                f"before, with {register}, or pass {parameter}=." + suggest(given, names)
            )
