"""Encoders by name, and the choice of one from the data's shape."""

import copy
import inspect
from collections.abc import Callable
from math import prod

from torch import nn

from .._checks.parameters import suggest
from ._conv1d import Conv1d
from ._factory import EncoderFactory
from ._images import image_layout
from ._linear import Linear
from ._mlp import MLP
from ._resnet import ResNet
from ._sparse import SparseMLP
from ._vit import ViT

Factory = Callable[[tuple[int, ...], int], nn.Module]
EncoderSpec = str | nn.Module | Factory

MAX_FLAT_VALUES = 256  # rows as small as a 16x16 image go to an MLP

factory_classes: dict[str, type[EncoderFactory]] = {
    cls.__name__: cls for cls in (MLP, Linear, ResNet, ViT, Conv1d, SparseMLP)
}
"""Factories whose parameters are plain values, by class name."""

_factories: dict[str, Factory] = {
    "mlp": MLP(),
    "linear": Linear(),
    "resnet20": ResNet(20),
    "resnet32": ResNet(32),
    "resnet44": ResNet(44),
    "resnet56": ResNet(56),
    "resnet110": ResNet(110),
    "vit-tiny": ViT(),
    "conv1d": Conv1d(),
    "sparse": SparseMLP(),
}


def encoder_names() -> list[str]:
    """List the names of all registered encoders, sorted.

    Examples
    --------
    >>> from mibsk.encoders import encoder_names
    >>> "resnet20" in encoder_names()
    True
    """
    return sorted(_factories)


def register_encoder(name: str, factory: Factory, *, overwrite: bool = False) -> None:
    r"""Make an encoder known by a name.

    Parameters
    ----------
    name : str
        Any name but "auto", which stands for the choice of :func:`auto_encoder`.
    factory : callable
        ``(input_shape, n_outputs) -> nn.Module``; the module maps float32 (n, \*input_shape) to
        (n, n_outputs), or, for sparse input, a pair ``(indices, values)`` of (n, L).
    overwrite : bool, default=False
        Replace the encoder that has this name.

    Raises
    ------
    ValueError
        If the name is taken and not to be overwritten, or reserved.
    TypeError
        If the name is not a string, or the factory not a callable.

    Examples
    --------
    >>> from mibsk.encoders import MLP, make_encoder, register_encoder
    >>> register_encoder("small-mlp", MLP(hidden=(8,)), overwrite=True)
    >>> make_encoder("small-mlp", input_shape=(3,), n_outputs=2)[-1]
    Linear(in_features=8, out_features=2, bias=True)
    """
    if not isinstance(name, str):
        raise TypeError(f"name is a {type(name).__name__}: expected a string.")
    if name == "auto":
        raise ValueError("The name 'auto' is reserved: choose another.")
    if name in _factories and not overwrite:
        raise ValueError(
            f"An encoder named {name!r} exists: choose another name, or pass overwrite=True."
        )
    _check_factory(factory)
    _factories[name] = factory


def make_encoder(
    spec: EncoderSpec, input_shape: tuple[int, ...], n_outputs: int, *, sparse: bool = False
) -> nn.Module:
    """Build a backbone from a name, a module or a factory.

    Weights are drawn from torch's current generator: seed or fork it around the call.

    Parameters
    ----------
    spec : str, nn.Module or callable
        A registered name; a module, which is copied and used as it is; or a factory
        ``(input_shape, n_outputs) -> nn.Module``.
    input_shape : tuple of int
        Shape of one row.
    n_outputs : int
        Number of outputs for each row.
    sparse : bool, default=False
        Whether rows come as pairs ``(indices, values)``.

    Returns
    -------
    nn.Module

    Raises
    ------
    ValueError
        If no encoder has this name, or a known one cannot read this kind of input.
    TypeError
        If `spec` is none of these, or the factory returns no module.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import make_encoder
    >>> encoder = make_encoder("conv1d", input_shape=(40, 64), n_outputs=8)
    >>> encoder(torch.zeros(3, 40, 64)).shape
    torch.Size([3, 8])
    """
    if isinstance(spec, nn.Module):
        return copy.deepcopy(spec)
    if isinstance(spec, str) and spec == "auto":
        spec = auto_encoder(input_shape, sparse)
    factory = _factories[_known_name(spec)] if isinstance(spec, str) else spec
    if isinstance(factory, EncoderFactory):
        if sparse != factory.reads_sparse:
            kind, advice = ("sparse", "'sparse'") if sparse else ("dense", "'mlp'")
            raise ValueError(
                f"Encoder {spec!r} cannot read {kind} rows: choose {advice} or convert the data."
            )
    else:
        _check_factory(factory)
    try:
        module = factory(input_shape, n_outputs)
    except TypeError as error:
        raise TypeError(
            f"Encoder factory {factory!r} failed for input_shape={input_shape} and "
            f"n_outputs={n_outputs}: {error}"
        ) from error
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"Encoder factory {factory!r} returned a {type(module).__name__}: expected an "
            "nn.Module."
        )
    return module


def auto_encoder(input_shape: tuple[int, ...], sparse: bool) -> str:
    """Choose an encoder from the shape of a row; the first line that fits counts.

    ===================================  =============
    rows                                 encoder
    ===================================  =============
    sparse                               ``sparse``
    (n_features,)                        ``mlp``
    any shape of at most 256 values      ``mlp``
    (H, W) with H == W                   ``resnet20``
    (channels, time)                     ``conv1d``
    (C, H, W), (H, W, C)                 ``resnet20``
    ===================================  =============

    A square spectrogram looks like an image: name ``conv1d`` for it.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one row.
    sparse : bool
        Whether the data is a sparse matrix.

    Returns
    -------
    str
        A name for :func:`make_encoder`.

    Raises
    ------
    ValueError
        If the shape fits no line: name an encoder, or pass your own.

    Examples
    --------
    >>> from mibsk.encoders import auto_encoder
    >>> auto_encoder((32, 32, 3), sparse=False)
    'resnet20'
    """
    if sparse:
        return "sparse"
    n_axes = len(input_shape)
    if n_axes == 1 or (n_axes and prod(input_shape) <= MAX_FLAT_VALUES):
        return "mlp"
    if n_axes == 2:
        return "resnet20" if input_shape[0] == input_shape[1] else "conv1d"
    if n_axes == 3:
        image_layout(input_shape)  # raises if it is no clear image
        return "resnet20"
    raise ValueError(
        f"No encoder is chosen by itself for rows of shape {input_shape}: expected one to three "
        "axes. Name one, such as 'mlp', or pass your own nn.Module."
    )


def scales_input(spec: EncoderSpec) -> bool:
    """Return whether dense input is standardised before it reaches the encoder `spec`.

    True unless `spec` is a factory that reads raw input, such as :class:`Frozen`, or its name.
    """
    factory = _factories.get(spec) if isinstance(spec, str) else spec
    return not isinstance(factory, EncoderFactory) or factory.scales_input


def _known_name(name: str) -> str:
    if name in _factories:
        return name
    raise ValueError(
        f"No encoder is named {name!r}.{suggest(name, _factories)} "
        f"Known: {', '.join(encoder_names())}."
    )


def _check_factory(factory: Factory) -> None:
    """Raise TypeError unless `factory` can be called as ``factory(input_shape, n_outputs)``."""
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
