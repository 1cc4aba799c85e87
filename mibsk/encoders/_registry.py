"""Encoders by name."""

import inspect
from collections.abc import Callable

from torch import nn

from ._attention_pool import AttentionPool
from ._conv1d import Conv1d
from ._factory import EncoderFactory
from ._linear import Linear
from ._mlp import MLP
from ._resnet import ResNet
from ._sparse import SparseMLP
from ._vit import ViT
from .pretrained import Pretrained

Factory = Callable[[tuple[int, ...], int], nn.Module]
EncoderSpec = str | nn.Module | Factory

factory_classes: dict[str, type[EncoderFactory]] = {
    cls.__name__: cls
    for cls in (MLP, Linear, ResNet, ViT, Conv1d, SparseMLP, AttentionPool, Pretrained)
}
"""Factories whose parameters are plain values, by class name."""

factories: dict[str, Factory] = {
    "mlp": MLP(),
    "linear": Linear(),
    "resnet20": ResNet(20),
    "resnet32": ResNet(32),
    "resnet44": ResNet(44),
    "resnet56": ResNet(56),
    "resnet110": ResNet(110),
    "vit-tiny": ViT(),
    "conv1d": Conv1d(),
    "attention-pool": AttentionPool(),
    "sparse": SparseMLP(),
}

RESERVED = ("auto", "network", "canonical")
"""Names that stand for a choice by shape, or for the closed form, not for a factory."""


def encoder_names(*, reserved: bool = False) -> list[str]:
    """Return the sorted names of all registered encoders.

    Parameters
    ----------
    reserved : bool, default=False
        Include the names that do not stand for a factory: "auto", "network" and "canonical".

    Returns
    -------
    list of str

    Examples
    --------
    >>> from mibsk.encoders import encoder_names
    >>> "resnet20" in encoder_names()
    True
    """
    return sorted([*factories, *RESERVED] if reserved else factories)


def register_encoder(name: str, factory: Factory, *, overwrite: bool = False) -> None:
    r"""Register an encoder under a name.

    Parameters
    ----------
    name : str
        Any name except "auto", "network" and "canonical", which have a meaning of their own.
    factory : callable
        ``(input_shape, n_outputs) -> nn.Module``: a function, a factory such as ``MLP()``, or a
        class of modules. The module maps float32 (n, \*input_shape) to (n, n_outputs); for
        sparse input it maps a pair ``(indices, values)``, both (n, L).
    overwrite : bool, default=False
        Replace an encoder of the same name.

    Raises
    ------
    ValueError
        If the name is reserved, or taken and `overwrite` is False.
    TypeError
        If the name is not a string, or the factory is not callable with these two arguments.

    Examples
    --------
    >>> from mibsk.encoders import MLP, make_encoder, register_encoder
    >>> register_encoder("small-mlp", MLP(hidden=(8,)), overwrite=True)
    >>> make_encoder("small-mlp", input_shape=(3,), n_outputs=2)[-1]
    Linear(in_features=8, out_features=2, bias=True)
    """
    if not isinstance(name, str):
        raise TypeError(f"name is a {type(name).__name__}: expected a string.")
    if name in RESERVED:
        raise ValueError(f"The name {name!r} is reserved: choose another.")
    if name in factories and not overwrite:
        raise ValueError(
            f"An encoder named {name!r} exists: choose another name, or pass overwrite=True."
        )
    check_factory(factory)
    factories[name] = factory


def check_factory(factory: Factory) -> None:
    """Raise ``TypeError`` unless `factory` can be called as ``factory(input_shape, n_outputs)``."""
    if isinstance(factory, type) and issubclass(factory, EncoderFactory):
        raise TypeError(
            f"Got the class {factory.__name__}: pass an instance, {factory.__name__}()."
        )
    if isinstance(factory, nn.Module) or not callable(factory):
        raise TypeError(
            f"Got {factory!r} as an encoder: expected a registered name, an nn.Module or a "
            "callable (input_shape, n_outputs) -> nn.Module."
        )
    try:
        signature = inspect.signature(factory)
    except ValueError:  # some callables written in C have no signature
        return
    try:
        signature.bind((1,), 1)
    except TypeError as error:
        raise TypeError(
            f"Encoder factory {factory!r} has the signature {signature}: expected (input_shape, "
            "n_outputs), the shape of one row and the number of outputs."
        ) from error
