"""Fitted aligners in files that run no code when they are loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from sklearn.utils.validation import check_is_fitted
from skorch.history import History

from .._checks.parameters import suggest
from ..encoders import InputScaling, encoder_names
from ..files.state_file import read_state, write_state
from ._description import Description, describe, read_description
from ._devices import resolve_device, seeded
from ._fitted import FittedAligner
from ._net import AlignmentNet
from ._pickling import device_here
from ._saved_params import Foreign
from ._training import new_net

Aligner = TypeVar("Aligner", bound=FittedAligner)

# these say how to build the net of the file; others that are passed are for a later fit
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
    net = aligner.net_
    training = {
        "module": net.module.state_dict(),
        "optimizer": net.optimizer_.state_dict(),
        "history": net.history.to_list(),
    }
    description = describe(aligner, aligner.form_, aligner.inputs_, net, columns=aligner)
    write_state(path, description | {"training": training})


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
    state = read_state(path)
    try:
        saved = read_description(state)
        training = state["training"]
        history = History(map(dict, training["history"]))
        scalings = _scalings(saved, training["module"])
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} holds no IBAligner as this version of mibsk writes it ({error!r})."
        ) from error
    if unknown := [name for name in saved.params if name not in known]:
        raise ValueError(
            f"{path} was saved with the parameter {unknown[0]!r}, which {cls.__name__} of this "
            "version of mibsk has not: load it with the version that wrote it."
        )
    aligner = cls(**_params_of_the_net(saved.params, params, path))
    if "device" not in params:
        aligner.device = device_here(aligner.device, path)
    aligner._validate_params()
    _check_encoder_names(aligner.encoders, path)
    device = resolve_device(aligner.device)
    with seeded(saved.seed, device):
        try:
            net = new_net(aligner, saved.inputs, scalings, device, saved.seed)
        except ValueError as error:
            raise _other_architecture(path, error) from error
        net.compile = False  # which takes long, and pays only while training
        net.initialize()
    _restore(net, training, saved.optimizer, path)
    if history:
        net.module.objective.beta = history[-1]["beta"]
    net.history, net.validation, net.callbacks, net.callbacks_ = history, None, None, []
    aligner.form_, aligner.inputs_, aligner.net_ = saved.form, saved.inputs, net
    aligner.__dict__.update(saved.attributes)
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


def _check_encoder_names(encoders: Any, path: str) -> None:
    known = ["auto", *encoder_names()]
    for spec in encoders.values() if isinstance(encoders, Mapping) else [encoders]:
        if isinstance(spec, str) and spec not in known:
            raise ValueError(
                f"{path} has an encoder named {spec!r}, which is not known here: register it as "
                "before, with mibsk.encoders.register_encoder, or pass encoders=."
                + suggest(spec, known)
            )


def _scalings(
    saved: Description, weights: Mapping[str, torch.Tensor]
) -> dict[str, InputScaling | None]:
    """Return the input scaling of each modality, whose shape only its weights tell."""
    scalings: dict[str, InputScaling | None] = {}
    for i, name in enumerate(saved.inputs):
        mean, scale = (weights.get(f"encoders.{i}.scaling.{part}") for part in ("mean", "scale"))
        if mean is None or scale is None:
            scalings[name] = None
        else:
            scalings[name] = InputScaling(mean.numpy(), scale.numpy())
    return scalings


def _restore(net: AlignmentNet, training: Mapping[str, Any], optimizer: str, path: str) -> None:
    """Put weights and optimizer state into an initialized net, which then only embeds."""
    try:
        net.module.load_state_dict(training["module"])
    except (RuntimeError, TypeError) as error:
        raise _other_architecture(path, error) from error
    net.module.eval()
    if type(net.optimizer_).__qualname__ == optimizer:  # one of another kind starts anew
        try:
            net.optimizer_.load_state_dict(training["optimizer"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"the state in {path} does not fit the optimizer: one passed as optimizer= must "
                f"be like the one that was saved. {error}"
            ) from error


def _other_architecture(path: str, error: Exception) -> ValueError:
    return ValueError(
        f"the weights in {path} do not fit the encoders: those passed as encoders= must have "
        f"the architecture that was saved. {error}"
    )
