"""Files of fitted aligners that execute no code when they are loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

from .._checks.parameters import suggest
from ..encoders import encoder_names, frozen_factory
from ..files.state_file import read_state, write_state
from ..losses import MINIMALITY, SUFFICIENCY
from ..training import Foreign, model_state, read_model_state, rebuild
from ._check_fitted import check_fitted
from ._fitted import FittedAligner
from ._pickling import device_here

# passed parameters used to rebuild the net; others are set afterwards, for a later fit
_FOR_THE_NET = ("encoders", "device")


class ModelFileMixin(FittedAligner):
    """Files of a fitted aligner, with the state for continuing its training."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted aligner to a file that executes no code when it is read.

        The file (safetensors) holds weights, optimizer state and history, and the parameters as
        plain values: a loaded aligner gives the same embeddings and continues training in the same
        way, bit for bit. User-defined objects, such as an `nn.Module` among the encoders or a loss,
        are not stored and must be passed to :meth:`load`.

        Parameters
        ----------
        path : path
            Destination path; an existing file is replaced atomically.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the aligner is not fitted.
        OSError
            If the file cannot be written.
        """
        check_fitted(self)
        write_state(path, file_state(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str], **params: Any) -> Self:
        """Read an aligner from a file written by :meth:`save`, or from a checkpoint.

        Parameters
        ----------
        path : path
            The file.
        **params : dict
            Parameters that replace the saved ones, and those that are not stored in the file.

        Returns
        -------
        IBAligner
            Fitted.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        mibsk.exceptions.TornFileError
            If it is incomplete or damaged.
        ValueError
            If it does not contain an aligner, was written by a newer version, lacks an object that
            is not passed, or its weights do not match those passed; or if a parameter is unknown.

        Warns
        -----
        mibsk.exceptions.VersionWarning
            If it was written by another version of mibsk.
        UserWarning
            If the device of `fit` is not available; the aligner is then loaded on another.

        Examples
        --------
        >>> import os, tempfile
        >>> from mibsk import IBAligner
        >>> from mibsk.datasets import load_digits_halves
        >>> halves = load_digits_halves().data
        >>> aligner = IBAligner(max_epochs=1, random_state=0).fit(halves)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     aligner.save(os.path.join(folder, "aligner.safetensors"))
        ...     loaded = IBAligner.load(os.path.join(folder, "aligner.safetensors"))
        >>> bool((loaded.transform(halves) == aligner.transform(halves)).all())
        True
        """
        path = os.fspath(path)
        check_names(cls, params)
        return from_file_state(cls, read_state(path), path, params)


def file_state(aligner: Any) -> dict[str, Any]:
    """Return a fitted aligner as values for a state file."""
    training = aligner.trained_.net.training_state(with_frozen=True)
    return {**model_state(aligner, aligner.trained_), "training": training}


def from_file_state(cls: type[Any], state: Any, path: str, params: Mapping[str, Any]) -> Any:
    """Return the aligner from the result of :func:`file_state`.

    Parameters
    ----------
    cls : type
        Its class.
    state : object
        The result.
    path : str
        File that it was read from, for messages.
    params : mapping
        Parameters that replace the saved ones, and those that are not stored.

    Raises
    ------
    ValueError
        As :meth:`ModelFileMixin.load` does.
    """
    saved = read_model_state(state, path)
    if unknown := [name for name in saved.params if name not in cls._get_param_names()]:
        raise ValueError(
            f"{path} was saved with the parameter {unknown[0]!r}, which {cls.__name__} of this "
            "version of mibsk does not have: load it with the version that wrote it."
        )
    aligner = cls(**with_stored(cls, saved.params, params, path))
    if "device" not in params:
        aligner.device = device_here(aligner.device, path)
    aligner._validate_params()
    _check_registered(aligner, path)
    aligner._adopt(rebuild(aligner, saved, path))
    if saved.output_config is not None:
        aligner._sklearn_output_config = saved.output_config
    aligner.set_params(**{name: params[name] for name in params if name not in _FOR_THE_NET})
    aligner._validate_params()
    return aligner


def check_names(cls: type[Any], params: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` if a class of estimators has no such parameter."""
    known = cls._get_param_names()
    if unknown := [name for name in params if name not in known]:
        raise ValueError(
            f"{cls.__name__} has no parameter {unknown[0]!r}." + suggest(unknown[0], known)
        )


def with_stored(
    cls: type[Any], saved: dict[str, Any], passed: Mapping[str, Any], path: str
) -> dict[str, Any]:
    """Return the saved parameters, with those that were not stored taken from `passed`.

    Raises
    ------
    ValueError
        If a parameter that was not stored is not passed.
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
            f"{path} contains the weights, but not these objects, which cannot be stored "
            f"safely: {', '.join(lost)}. Pass them: {cls.__name__}.load(path, {', '.join(advice)})."
        )
    return chosen


def _check_registered(aligner: Any, path: str) -> None:
    """Raise ``ValueError`` if the aligner names an encoder or a loss that is not registered."""
    encoders = aligner.encoders
    known_encoders = encoder_names(reserved=True)
    named = [
        ("encoder", "mibsk.encoders.register_encoder", "encoders", spec, known_encoders)
        for spec in (encoders.values() if isinstance(encoders, Mapping) else [encoders])
        if frozen_factory(spec) is None  # or it is "pretrained:PATH"
    ]
    for kind, known in (("sufficiency", SUFFICIENCY), ("minimality", MINIMALITY)):
        given = aligner.get_params(deep=False)[kind]
        named.append((f"{kind} term", f"mibsk.losses.register_{kind}", kind, given, list(known)))
    for what, register, parameter, given, names in named:
        if isinstance(given, str) and given not in names:
            raise ValueError(
                f"{path} has an {what} named {given!r}, which is not registered: register it as "
                f"before, with {register}, or pass {parameter}=." + suggest(given, names)
            )
