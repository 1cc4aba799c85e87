"""ONNX graphs of encoders whose layers are all known, written without tracing them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from ..captioning import CaptionTower, PictureTower
from ..data import InputSpec
from ..encoders import (
    NORM_EPS,
    ChannelsFirst,
    ClosedForm,
    Encoder,
    FrozenTrunk,
    InputScaling,
    MeanMaxPool,
    ResidualBlock,
    SparseLinear,
)
from ._graph_writer import GraphWriter, Shape
from ._qformer_graph import caption_tower, picture_tower

_ELEMENTWISE = {nn.ReLU: "Relu", nn.Tanh: "Tanh", nn.Sigmoid: "Sigmoid"}
_NOTHING = (nn.Dropout, nn.Identity)  # in evaluation mode
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_FUSE: dict[type[nn.Module], Callable[[Any, Any], nn.Module]] = {
    nn.Linear: fuse_linear_bn_eval,
    **dict.fromkeys(_CONVOLUTIONS, fuse_conv_bn_eval),
}


class UnknownLayerError(Exception):
    """A layer has no rule here: the encoder has to be traced."""


def encoder_graph(encoder: Encoder, spec: InputSpec, example: tuple[Tensor, ...]) -> Any:
    """Return the ONNX model of an encoder in evaluation mode.

    Parameters
    ----------
    encoder : Encoder
        On the CPU.
    spec : InputSpec
        Its input.
    example : tuple of Tensor
        A few rows, of which the shapes within the encoder are learned.

    Raises
    ------
    UnknownLayerError
        If a layer is not one of those of this package, or a common one of torch.
    """
    if type(encoder) is not Encoder or any(map(_is_changed, encoder.modules())):
        raise UnknownLayerError
    graph = _Graph()
    names = ["indices", "values"] if spec.is_sparse else ["x"]
    with torch.no_grad():
        z = graph.encoder(encoder, names, example)
    shape: Shape = ("batch", "length") if spec.is_sparse else ("batch", *spec.shape)
    types = ["int64", "float32"] if spec.is_sparse else [spec.dtype]
    inputs = {name: (dtype, shape) for name, dtype in zip(names, types, strict=True)}
    return graph.model("encoder", inputs, {"z": (z, ("batch", encoder.n_outputs))})


class _Graph(GraphWriter):
    """Graph of an encoder; methods append a part and return the name of its output."""

    def encoder(self, encoder: Encoder, names: list[str], example: tuple[Tensor, ...]) -> str:
        """Append :meth:`Encoder.forward`."""
        if len(names) == 2:
            return self.outputs(encoder, names, example)
        x, rows = names[0], example[0]
        if encoder.scaling is not None:
            x, rows = self.layer(encoder.scaling, x, rows)
        return self.outputs(encoder, [x], (rows,))

    def outputs(self, encoder: Encoder, names: list[str], rows: tuple[Tensor, ...]) -> str:
        """Append what follows the scaling of the input."""
        closed_form = encoder.closed_form
        variates = "" if closed_form is None else self.variates(closed_form, names)
        if closed_form is not None and closed_form.is_alone:
            return variates
        z = self.backbone(encoder.backbone, names, rows)
        if encoder.probabilistic:
            ends = self.constant([0]), self.constant([encoder.n_components]), self.constant([1])
            z = self.node("Slice", z, *ends)
        z = self.unit_rows(z)
        if encoder.bottleneck is not None:
            part = encoder.bottleneck
            z = self.unit_rows(self.linear(z, part.weight, part.bias))
        return z if closed_form is None else self.beside(closed_form, variates, z)

    def unit_rows(self, z: str) -> str:
        """Append a division by the norm of each row, or by a small number if that is larger."""
        norm = self.node("ReduceL2", z, self.constant([1]), keepdims=1)
        return self.node("Div", z, self.node("Max", norm, self.number(NORM_EPS)))

    def variates(self, form: ClosedForm, names: list[str]) -> str:
        """Append :meth:`ClosedForm.variates`."""
        if len(names) == 2:
            product = self.sparse_product(names, form.weight)
            found = self.node("Add", product, self.constant(form.bias))
        else:
            flat = self.node("Flatten", self.node("Cast", names[0], to=1), axis=1)
            found = self.linear(flat, form.weight, form.bias)
        size = self.node("ReduceMax", self.node("Abs", found), self.constant([1]), keepdims=1)
        least = self.number(NORM_EPS)
        return self.unit_rows(self.node("Div", found, self.node("Max", size, least)))

    def beside(self, form: ClosedForm, variates: str, z: str) -> str:
        """Append :meth:`ClosedForm.forward`."""
        norm = math.sqrt(1 + form.alpha**2)
        u = self.node("Mul", variates, self.number(form.alpha / norm))
        v = self.node("Div", z, self.number(norm))
        both = self.node("Concat", u, v, axis=1)
        if form.projection is None:
            return both
        double = self.node("Cast", both, to=11)
        weight = self.constant(form.projection.weight.double().T)
        reduced = self.node("Cast", self.node("MatMul", double, weight), to=1)
        return self.unit_rows(reduced)

    def sparse_product(self, names: list[str], weight: Tensor) -> str:
        """Append the product (n, 1, L) @ (n, L, n_outputs) of sparse rows and a matrix."""
        indices, values = names
        gathered = self.node("Gather", self.constant(weight), indices, axis=0)
        one = self.constant([1])
        product = self.node("MatMul", self.node("Unsqueeze", values, one), gathered)
        return self.node("Squeeze", product, one)

    def backbone(self, part: nn.Module, names: list[str], rows: tuple[Tensor, ...]) -> str:
        """Append a backbone, of which the first layer may read sparse rows."""
        if len(names) == 1:
            return self.layer(part, names[0], rows[0])[0]
        layers = list(part) if type(part) is nn.Sequential else [part]
        first = layers[0]
        if type(first) is not SparseLinear:
            raise UnknownLayerError
        z, value = self.sparse_product(names, first.weight), first(rows)
        if first.bias is not None:
            z = self.node("Add", z, self.constant(first.bias))
        return self.layer(nn.Sequential(*layers[1:]), z, value)[0]

    def layer(self, part: nn.Module, x: str, value: Tensor) -> tuple[str, Tensor]:
        """Append a layer; return its output by name and for the example."""
        if type(part) is nn.Sequential:
            layers = list(part)
            while layers:
                first = layers.pop(0)
                if layers and _takes_in(first, layers[0], value):
                    first = _FUSE[type(first)](first, layers.pop(0))
                x, value = self.layer(first, x, value)
            return x, value
        if type(part) is FrozenTrunk:
            return self.layer(part.tower, self.node("Cast", x, to=1), value.float())
        if type(part) in _NOTHING:
            return x, value
        if type(part) in _ELEMENTWISE:
            return self.node(_ELEMENTWISE[type(part)], x), part(value)
        rule = _RULES.get(type(part))
        if rule is None:
            raise UnknownLayerError
        return rule(self, part, x, value), part(value)


def _takes_in(layer: Any, norm: Any, value: Tensor) -> bool:
    """Whether a layer, whose input is like `value`, takes in the normalisation after it."""
    if type(norm) not in _NORMS or norm.running_var is None or not norm.affine:
        return False
    # the features of a linear layer are normalised only if they are the channels
    return type(layer) in _CONVOLUTIONS or (type(layer) is nn.Linear and value.ndim == 2)


def _scale(graph: _Graph, part: Any, x: str, value: Tensor) -> str:
    centred = graph.node("Sub", graph.node("Cast", x, to=1), graph.constant(part.mean))
    return graph.node("Div", centred, graph.constant(part.scale))


def _linear(graph: _Graph, part: Any, x: str, value: Tensor) -> str:
    if value.ndim == 2:
        return graph.linear(x, part.weight, part.bias)
    return graph.linear_of_sequence(x, part)


def _flatten(graph: _Graph, part: Any, x: str, value: Tensor) -> str:
    if (part.start_dim, part.end_dim) not in ((1, -1), (1, value.ndim - 1)):
        raise UnknownLayerError
    return graph.node("Flatten", x, axis=1) if value.ndim > 2 else x


def _unflatten(graph: _Graph, part: Any, x: str, value: Tensor) -> str:
    if part.dim != 1 or value.ndim != 2:
        raise UnknownLayerError
    return graph.node("Reshape", x, graph.constant([-1, *part(value).shape[1:]]))


def _convolution(graph: _Graph, part: Any, x: str, value: Tensor) -> str:
    if part.padding_mode != "zeros" or isinstance(part.padding, str):
        raise UnknownLayerError
    constants = [graph.constant(each) for each in (part.weight, part.bias) if each is not None]
    return graph.node(
        "Conv",
        x,
        *constants,
        strides=part.stride,
        pads=[*part.padding, *part.padding],
        dilations=part.dilation,
        group=part.groups,
    )


def _batch_norm(graph: _Graph, part: Any, x: str, value: Tensor) -> str:
    """Return the normalisation by moments of training, if no layer before takes it in."""
    if part.running_var is None:
        raise UnknownLayerError
    scale = (part.running_var + part.eps).rsqrt() * (1 if part.weight is None else part.weight)
    shift = (0 if part.bias is None else part.bias) - part.running_mean * scale
    shape = (-1, *[1] * (value.ndim - 2))
    scaled = graph.node("Mul", x, graph.constant(scale.reshape(shape)))
    return graph.node("Add", scaled, graph.constant(shift.reshape(shape)))


def _residual_block(graph: _Graph, part: Any, x: str, value: Tensor) -> str:
    shortcut = x
    if part.stride > 1:
        steps = [[0, 0], [2**31 - 1] * 2, [2, 3], [part.stride] * 2]
        shortcut = graph.node("Slice", shortcut, *map(graph.constant, steps))
    if part.n_new_channels:
        pads = [0, 0, 0, 0, 0, part.n_new_channels, 0, 0]
        shortcut = graph.node("Pad", shortcut, graph.constant(pads))
    residual, _ = graph.layer(part.residual, x, value)
    return graph.node("Relu", graph.node("Add", residual, shortcut))


def _average_pool(graph: _Graph, part: Any, x: str, value: Tensor) -> str:
    if part.output_size not in (1, (1, 1)) or value.ndim != 4:
        raise UnknownLayerError
    return graph.node("GlobalAveragePool", x)


def _mean_max_pool(graph: _Graph, part: Any, x: str, value: Tensor) -> str:
    last = graph.constant([-1])
    pooled = [graph.node(each, x, last, keepdims=0) for each in ("ReduceMean", "ReduceMax")]
    return graph.node("Concat", *pooled, axis=-1)


def _channels_first(graph: _Graph, part: Any, x: str, value: Tensor) -> str:
    if part.layout == "HW":
        return graph.node("Unsqueeze", x, graph.constant([1]))
    return graph.node("Transpose", x, perm=[0, 3, 1, 2]) if part.layout == "HWC" else x


_RULES: dict[type[nn.Module], Callable[[_Graph, Any, str, Tensor], str]] = {
    InputScaling: _scale,
    nn.Linear: _linear,
    nn.Flatten: _flatten,
    nn.Unflatten: _unflatten,
    **dict.fromkeys(_CONVOLUTIONS, _convolution),
    **dict.fromkeys(_NORMS, _batch_norm),
    nn.AdaptiveAvgPool2d: _average_pool,
    ResidualBlock: _residual_block,
    MeanMaxPool: _mean_max_pool,
    ChannelsFirst: _channels_first,
    PictureTower: picture_tower,
    CaptionTower: caption_tower,
}


def _is_changed(part: nn.Module) -> bool:
    """Whether a call of a module runs something else than the forward of its class."""
    return bool(part._forward_hooks or part._forward_pre_hooks) or "forward" in vars(part)
