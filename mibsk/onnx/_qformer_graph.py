"""ONNX graphs of the querying transformer, with the tasks of its methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..captioning import CaptionTower, PictureTower, QFormer
from ._graph_writer import GraphWriter, Shape

_KEYS_AND_VALUES = tuple[str, str]


def picture_tower(graph: GraphWriter, part: PictureTower, x: str, value: Tensor) -> str:
    """Append :meth:`mibsk.captioning.PictureTower.forward`."""
    queries, _ = _look(graph, part, x, pooled=value.ndim == 2)
    mean = graph.node("ReduceMean", queries, graph.constant([1]), keepdims=0)
    return graph.linear(mean, part.project.weight, part.project.bias)


def caption_tower(graph: GraphWriter, part: CaptionTower, x: str, value: Tensor) -> str:
    """Append :meth:`mibsk.captioning.CaptionTower.forward`."""
    tokens = graph.node("Cast", x, to=graph.onnx.TensorProto.INT64)
    present = graph.node("Cast", tokens, to=graph.onnx.TensorProto.BOOL)  # padding is 0
    mask = graph.node("Unsqueeze", present, graph.constant([1, 2]))
    t = _embedded(graph, part.qformer, tokens, graph.constant([0]))
    for layer in part.qformer.layers:
        t = _of_text(graph, layer, t, *_keys_and_values(graph, layer.attention, t), mask)
    first = graph.node("Gather", t, graph.constant(np.int64(0)), axis=1)
    return graph.linear(first, part.project.weight, part.project.bias)


def look_graph(tower: PictureTower, shape: tuple[int, ...]) -> Any:
    """Return the model of features to what text sees of the queries.

    The input is ``x`` (batch, *shape); the outputs are ``keys.i`` and ``values.i`` of each layer,
    (batch, n_heads, n_queries, width of a head).

    Parameters
    ----------
    tower : PictureTower
        In eval mode, on the CPU.
    shape : tuple of int
        Shape of the features of one picture.
    """
    graph = GraphWriter()
    _, memory = _look(graph, tower, "x", pooled=len(shape) == 1)
    return graph.model(
        "look",
        {"x": ("float32", ("batch", *shape))},
        _named(memory, _memory_shape(tower.qformer, tower.qformer.n_queries)),
    )


def write_graph(qformer: QFormer) -> Any:
    """Return the model that scores the token after each given one.

    The inputs are ``tokens`` (batch, length), and ``past_keys.i`` and ``past_values.i`` of each
    layer, (batch, n_heads, past, width of a head): of the queries, and of earlier tokens. The
    outputs are ``logits`` (batch, length, n_tokens), and ``keys.i`` and ``values.i`` with the given
    tokens. Batch, length and past are free.

    Parameters
    ----------
    qformer : QFormer
        In eval mode, on the CPU.
    """
    graph = GraphWriter()
    past = [(f"past_keys.{i}", f"past_values.{i}") for i in range(len(qformer.layers))]
    n_before = graph.size(past[0][0], 2)
    start = graph.node("Sub", n_before, graph.constant([qformer.n_queries]))
    t = _embedded(graph, qformer, "tokens", start)
    mask = _causal(graph, n_before, graph.size("tokens", 1))
    longer = []
    for layer, before in zip(qformer.layers, past, strict=True):
        own = _keys_and_values(graph, layer.attention, t)
        keys, values = (
            graph.node("Concat", a, b, axis=2) for a, b in zip(before, own, strict=True)
        )
        longer.append((keys, values))
        t = _of_text(graph, layer, t, keys, values, mask)
    to_word: Any = qformer.to_word
    dense, gelu, norm = to_word
    states = _norm(graph, norm, _gelu(graph, gelu, graph.linear_of_sequence(t, dense)))
    n_tokens, width = qformer.tokens.weight.shape
    flat = graph.node("Reshape", states, graph.constant([-1, width]))
    scores = graph.linear(flat, qformer.tokens.weight, qformer.word_bias)
    shape = graph.node("Concat", graph.node("Shape", "tokens"), graph.constant([n_tokens]), axis=0)
    logits = graph.node("Reshape", scores, shape)
    shape_before = _memory_shape(qformer, "past")
    return graph.model(
        "write",
        {
            "tokens": ("int64", ("batch", "length")),
            **{name: ("float32", shape_before) for pair in past for name in pair},
        },
        {
            "logits": (logits, ("batch", "length", n_tokens)),
            **_named(longer, _memory_shape(qformer, "past + length")),
        },
    )


def _look(
    graph: GraphWriter, part: PictureTower, x: str, *, pooled: bool
) -> tuple[str, list[_KEYS_AND_VALUES]]:
    """Append :meth:`QFormer.look` of normalised features; return queries and memory."""
    qformer = part.qformer
    features = _norm(graph, part.norm, graph.node("Cast", x, to=graph.onnx.TensorProto.FLOAT))
    if pooled:
        features = graph.node("Unsqueeze", features, graph.constant([1]))
    with torch.no_grad():
        first = qformer.norm(qformer.queries)[None]
    shape = graph.node("Concat", graph.size(x, 0), graph.constant([1, 1]), axis=0)
    q, memory = graph.node("Expand", graph.constant(first), shape), []
    for layer in qformer.layers:
        memory.append(_keys_and_values(graph, layer.attention, q))
        q = _attention(graph, layer.attention, q, *memory[-1])
        if (reader := layer.to_features) is not None:
            q = _attention(graph, reader, q, *_keys_and_values(graph, reader, features))
        q = _feed_forward(graph, layer.query_network, q)
    return q, memory


def _embedded(graph: GraphWriter, qformer: QFormer, tokens: str, start: str) -> str:
    """Append the embedding of tokens, of which the first has position `start` (1,).

    Positions are gathered by numbers (1, length), so that too long a text is an error: numbers
    (length,) would be replaced by a slice, of which a last position is that of all further tokens.
    """
    end = graph.node("Add", start, graph.size(tokens, 1))
    numbers = graph.node(
        "Range", _scalar(graph, start), _scalar(graph, end), graph.constant(np.int64(1))
    )
    numbers = graph.node("Unsqueeze", numbers, graph.constant([0]))
    positions = graph.node("Gather", graph.constant(qformer.positions.weight), numbers)
    words = graph.node("Gather", graph.constant(qformer.tokens.weight), tokens)
    return _norm(graph, qformer.norm, graph.node("Add", words, positions))


def _causal(graph: GraphWriter, n_before: str, length: str) -> str:
    """Append the mask (length, past + length) of a token and what is before it."""
    one, zero = graph.constant(np.int64(1)), graph.constant(np.int64(0))
    n_seen = graph.node("Add", n_before, length)
    begin, end = _scalar(graph, n_before), _scalar(graph, n_seen)
    rows = graph.node("Unsqueeze", graph.node("Range", begin, end, one), graph.constant([1]))
    return graph.node("GreaterOrEqual", rows, graph.node("Range", zero, end, one))


def _of_text(
    graph: GraphWriter, layer: Any, t: str, keys: str, values: str, mask: str | None
) -> str:
    return _feed_forward(
        graph, layer.text_network, _attention(graph, layer.attention, t, keys, values, mask)
    )


def _keys_and_values(graph: GraphWriter, part: Any, source: str) -> _KEYS_AND_VALUES:
    keys, values = (
        _by_head(graph, part, graph.linear_of_sequence(source, each))
        for each in (part.key, part.value)
    )
    return keys, values


def _attention(
    graph: GraphWriter, part: Any, x: str, keys: str, values: str, mask: str | None = None
) -> str:
    query = _by_head(graph, part, graph.linear_of_sequence(x, part.query))
    scale = graph.number((part.query.out_features // part.n_heads) ** -0.5)
    products = graph.node("MatMul", query, graph.node("Transpose", keys, perm=[0, 1, 3, 2]))
    scores = graph.node("Mul", products, scale)
    if mask is not None:
        scores = graph.node("Where", mask, scores, graph.number(-np.inf))
    found = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), values)
    shape = graph.constant([0, 0, part.query.out_features])  # 0: as it is
    found = graph.node("Reshape", graph.node("Transpose", found, perm=[0, 2, 1, 3]), shape)
    return _norm(
        graph, part.norm, graph.node("Add", x, graph.linear_of_sequence(found, part.output))
    )


def _by_head(graph: GraphWriter, part: Any, x: str) -> str:
    shape = graph.constant([0, 0, part.n_heads, part.query.out_features // part.n_heads])
    return graph.node("Transpose", graph.node("Reshape", x, shape), perm=[0, 2, 1, 3])


def _feed_forward(graph: GraphWriter, part: Any, x: str) -> str:
    inner, gelu, outer, _ = part.network
    hidden = _gelu(graph, gelu, graph.linear_of_sequence(x, inner))
    return _norm(graph, part.norm, graph.node("Add", x, graph.linear_of_sequence(hidden, outer)))


def _norm(graph: GraphWriter, part: nn.LayerNorm, x: str) -> str:
    constants = graph.constant(part.weight), graph.constant(part.bias)
    return graph.node("LayerNormalization", x, *constants, axis=-1, epsilon=part.eps)


def _gelu(graph: GraphWriter, part: nn.GELU, x: str) -> str:
    return graph.node("Gelu", x, approximate=part.approximate)


def _scalar(graph: GraphWriter, size: str) -> str:
    return graph.node("Squeeze", size, graph.constant([0]))


def _memory_shape(qformer: QFormer, length: str | int) -> Shape:
    attention: Any = qformer.layers[0].attention
    n_heads = attention.n_heads
    return "batch", n_heads, length, qformer.queries.shape[1] // n_heads


def _named(memory: list[_KEYS_AND_VALUES], shape: Shape) -> dict[str, tuple[str, Shape]]:
    named: dict[str, tuple[str, Shape]] = {}
    for i, (keys, values) in enumerate(memory):
        named |= {f"keys.{i}": (keys, shape), f"values.{i}": (values, shape)}
    return named
