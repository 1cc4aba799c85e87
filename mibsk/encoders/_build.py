"""Encoders built from a specification and the shape of the data."""

import copy
from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np
import torch
from torch import nn

from .._checks.parameters import suggest
from . import _registry
from ._encoder import Encoder
from ._factory import EncoderFactory
from ._frozen import FrozenFactory
from ._images import image_layout
from ._mlp import MLP
from ._registry import EncoderSpec, check_factory
from ._scaling import InputScaling
from ._sparse import SparseMLP
from .pretrained import PRETRAINED, Pretrained

_WITH_DROPOUT = {"mlp": MLP(dropout=0.1), "sparse": SparseMLP(dropout=0.1)}
"""What "auto" uses instead of the encoders of these names: it suits fewer rows."""

MAX_FLAT_VALUES = 256  # rows up to the size of a 16x16 image get an MLP


def build_encoder(
    spec: EncoderSpec,
    input_shape: tuple[int, ...],
    n_components: int,
    *,
    dtype: str = "float32",
    sparse: bool = False,
    probabilistic: bool = False,
    scaling: InputScaling | None = None,
    modality: str | None = None,
) -> Encoder:
    r"""Build the encoder of one modality and try it on two rows of zeros.

    Weights are drawn from torch's current generator: seed or fork it around the call.

    Parameters
    ----------
    spec : str, nn.Module or callable
        As for :func:`make_encoder`.
    input_shape : tuple of int
        Shape of one row.
    n_components : int
        Dimension of the embedding.
    dtype : str, default="float32"
        NumPy data type of the rows, or of the values of sparse rows.
    sparse : bool, default=False
        Whether rows are pairs ``(indices, values)``.
    probabilistic : bool, default=False
        Return a log-variance next to the mean.
    scaling : InputScaling, default=None
        Standardises dense input; ignored where :func:`scales_input` is False.
    modality : str, default=None
        Name of the modality in error messages.

    Returns
    -------
    Encoder
        In training mode.

    Raises
    ------
    ValueError
        If the encoder cannot read such rows, or its output has the wrong shape.
    TypeError
        If `spec` is not an encoder, or its output not a tensor.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import build_encoder
    >>> encoder = build_encoder("auto", input_shape=(10,), n_components=4)
    >>> encoder.features(torch.zeros(3, 10)).shape
    torch.Size([3, 128])
    """
    n_outputs = (2 if probabilistic else 1) * n_components
    scaling = scaling if scales_input(spec) else None
    encoder = Encoder(
        make_encoder(spec, input_shape, n_outputs, sparse=sparse),
        n_components,
        scaling=scaling,
        probabilistic=probabilistic,
        modality=modality,
    )
    shape = (2, 1) if sparse else (2, *input_shape)
    values = torch.from_numpy(np.zeros(shape, dtype))
    encoder.eval()
    try:
        with torch.no_grad():
            encoder((torch.zeros(shape, dtype=torch.int64), values) if sparse else values)
    except (IndexError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{encoder.label} cannot read a batch of shape {shape}: {reason}. Pass one for rows "
            f"of shape {input_shape}."
        ) from error
    return encoder.train()


def make_encoder(
    spec: EncoderSpec, input_shape: tuple[int, ...], n_outputs: int, *, sparse: bool = False
) -> nn.Module:
    """Build a backbone from a name, a module or a factory.

    Weights are drawn from torch's current generator: seed or fork it around the call.

    Parameters
    ----------
    spec : str, nn.Module or callable
        A registered name; "pretrained:PATH", see :class:`Pretrained`; "auto" or "network", the
        choice of :func:`auto_encoder`, where "mlp" and "sparse" have a dropout of 0.1; a module,
        of which a copy is used; or a factory ``(input_shape, n_outputs) -> nn.Module``.
    input_shape : tuple of int
        Shape of one row.
    n_outputs : int
        Number of outputs for each row.
    sparse : bool, default=False
        Whether rows are pairs ``(indices, values)``.

    Returns
    -------
    nn.Module

    Raises
    ------
    ValueError
        If no encoder has this name, or the encoder cannot read this kind of input.
    TypeError
        If `spec` is none of these, or a factory does not accept the two arguments or does not
        return a module.

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
    if isinstance(spec, str) and spec in ("auto", "network"):
        chosen = auto_encoder(input_shape, sparse)
        spec = _WITH_DROPOUT.get(chosen, chosen)
    factory = _factory_of(spec)
    if isinstance(spec, str) and factory is None:
        raise ValueError(
            f"No encoder is named {spec!r}.{suggest(spec, _registry.factories)} "
            f"Known: {', '.join(sorted(_registry.factories))}, and pretrained:PATH."
        )
    if isinstance(factory, EncoderFactory):
        if sparse != factory.reads_sparse:
            kind, advice = ("sparse", "'sparse'") if sparse else ("dense", "'mlp'")
            raise ValueError(
                f"Encoder {spec!r} cannot read {kind} rows: choose {advice} or convert the data."
            )
    else:
        check_factory(factory)
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
    """Choose an encoder from the shape of a row, by the first line that applies.

    ===================================  =============
    rows                                 encoder
    ===================================  =============
    sparse                               ``sparse``
    (n_features,)                        ``mlp``
    any shape with at most 256 values    ``mlp``
    (H, W) with H == W                   ``resnet20``
    (channels, time)                     ``conv1d``
    (C, H, W), (H, W, C)                 ``resnet20``
    ===================================  =============

    A square spectrogram is taken for an image: choose ``conv1d`` for it. ``linear`` and the deeper
    networks are never chosen automatically.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one row.
    sparse : bool
        Whether the data are a sparse matrix.

    Returns
    -------
    str
        A name for :func:`make_encoder`.

    Raises
    ------
    ValueError
        If no line applies.

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
        image_layout(input_shape)  # raises if the layout is ambiguous
        return "resnet20"
    raise ValueError(
        f"encoders='auto' has no encoder for rows of shape {input_shape}: expected one to three "
        "axes. Choose one by name, such as 'mlp', or pass your own nn.Module."
    )


def spec_of(encoders: Any, modality: str) -> Any:
    """Return the specification of one modality, of a mapping or of one for all."""
    return encoders.get(modality, "auto") if isinstance(encoders, Mapping) else encoders


def _factory_of(spec: EncoderSpec) -> Any:
    """Return what a specification stands for: itself, or the factory of a name, if there is one.

    ``"pretrained:PATH"`` is the name of ``Pretrained("PATH")``.
    """
    if not isinstance(spec, str):
        return spec
    if spec.startswith(PRETRAINED):
        return Pretrained(spec.removeprefix(PRETRAINED))
    return _registry.factories.get(spec)


def frozen_factory(spec: EncoderSpec) -> FrozenFactory | None:
    """Return the factory of a frozen tower that `spec` is or names, None if it is another one."""
    factory = _factory_of(spec)
    return factory if isinstance(factory, FrozenFactory) else None


def tokenizers_of(encoders: Any, modalities: Iterable[str]) -> dict[str, str]:
    """Return the tokenizer (JSON) of each modality whose encoder reads text as token ids."""
    factories = {name: _factory_of(spec_of(encoders, name)) for name in modalities}
    return {
        name: factory.tokenizer
        for name, factory in factories.items()
        if isinstance(factory, Pretrained)
    }


def scales_input(spec: EncoderSpec) -> bool:
    """Return whether dense input is standardised before it reaches the encoder `spec`.

    True unless `spec` is a factory that reads raw input, such as :class:`Frozen`, or its name.
    """
    factory = _factory_of(spec)
    return not isinstance(factory, EncoderFactory) or factory.scales_input
