"""Exported encoders in a lower precision: smaller files, and faster on some devices."""

from __future__ import annotations

import logging
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .._checks.packages import not_installed
from .._checks.parameters import suggest
from ..files.whole_files import whole_file
from ._session import CPU, open_session

PRECISIONS = ("int8", "float16")

_CONVOLUTIONS = ("Conv", "ConvTranspose")
_IN_INT8 = ("Gather", "Gemm", "MatMul")
# of the networks; scales of the input and norms stay in float32, which has a larger range
_IN_HALF = (
    "Add",
    "Conv",
    "Flatten",
    "Gemm",
    "Gather",
    "GlobalAveragePool",
    "MatMul",
    "Relu",
    "Reshape",
    "Sigmoid",
    "Tanh",
    "Transpose",
    "Unsqueeze",
)


def export_precision(encoder: str | Path, path: str | Path, precision: str) -> Path:
    """Write an exported encoder with weights and products of a lower precision.

    Embeddings differ from those of the encoder: measure what is lost, on rows that were held out.

    Parameters
    ----------
    encoder : str or Path
        File that :func:`export_encoder` has written.
    path : str or Path
        Replaced if it exists.
    precision : {"int8", "float16"}
        "int8" stores weights of linear layers in 8 bits and multiplies them with inputs that are
        quantised row by row, on a CPU; "float16" computes the layers in half precision, which is
        faster on a GPU, while a CPU saves only disk.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If the encoder consists of convolutions, which are slower in int8, or has no layer of that
        precision.
    NotInstalledError
        If onnx is not installed.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}."
            + suggest(str(precision), PRECISIONS)
        )
    try:
        import onnx
    except ImportError as error:
        raise not_installed("for export", "onnx") from error
    model = onnx.load(encoder)
    operators = [node.op_type for node in model.graph.node]
    if precision == "int8" and _weights_of(model, _CONVOLUTIONS) > _weights_of(model, _IN_INT8):
        raise ValueError(
            f"{Path(encoder).name} has most of its weights in convolutions, which onnxruntime "
            "computes several times more slowly in int8: use float16, or the encoder as it is."
        )
    props = {each.key: each.value for each in model.metadata_props}
    changed = _int8(model) if precision == "int8" else _float16(model)
    if [node.op_type for node in changed.graph.node] == operators:
        raise ValueError(f"{Path(encoder).name} has no layer to compute in {precision}.")
    del changed.metadata_props[:]
    onnx.helper.set_model_props(changed, props)
    with whole_file(path) as file:
        file.write(changed.SerializeToString(deterministic=True))
        file.flush()
        open_session(file.name, [CPU], None)
    return Path(path)


def _weights_of(model: Any, operators: tuple[str, ...]) -> int:
    """Return the number of weights of nodes of some operators."""
    sizes = {each.name: math.prod(each.dims) for each in model.graph.initializer}
    nodes = (node for node in model.graph.node if node.op_type in operators)
    return sum(sizes.get(name, 0) for node in nodes for name in node.input)


def _int8(model: Any) -> Any:
    import tempfile

    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it advises to simplify the graph first, which it is already
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = Path(folder) / "int8.onnx"
            quantize_dynamic(
                model,
                path,
                op_types_to_quantize=list(_IN_INT8),
                weight_type=QuantType.QInt8,
            )
            return onnx.load(path)
    finally:
        logger.setLevel(level)


def _float16(model: Any) -> Any:
    """Return a model with its layers in half precision, and casts around them."""
    import onnx

    float32, float16 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
    graph = onnx.shape_inference.infer_shapes(model).graph
    types = {
        each.name: each.type.tensor_type.elem_type
        for each in (*graph.input, *graph.value_info, *graph.output)
    }
    constants = {each.name: each for each in graph.initializer}
    types |= {name: each.data_type for name, each in constants.items()}
    halved = {
        node.output[0]
        for node in graph.node
        if node.op_type in _IN_HALF and types.get(node.output[0]) == float32
    }
    outside = {each.name for each in graph.output}
    for node in graph.node:
        if node.output[0] not in halved:
            outside.update(node.input)

    nodes: list[Any] = []
    known: set[str] = set()

    def half(name: str) -> str:
        """Return the name of a tensor in half precision, which is made if need be."""
        if types.get(name) != float32:
            return name
        if name not in known:
            known.add(name)
            if name in constants:
                values = onnx.numpy_helper.to_array(constants[name]).astype(np.float16)
                made = onnx.numpy_helper.from_array(values, f"{name}_half")
                model.graph.initializer.append(made)
            else:
                nodes.append(onnx.helper.make_node("Cast", [name], [f"{name}_half"], to=float16))
        return f"{name}_half"

    for node in graph.node:
        if node.output[0] not in halved:
            nodes.append(node)
            continue
        changed = onnx.NodeProto()
        changed.CopyFrom(node)
        output = node.output[0]
        changed.input[:] = [half(name) for name in node.input]
        changed.output[:] = [f"{output}_half"]
        known.add(output)
        nodes.append(changed)
        if output in outside:
            nodes.append(onnx.helper.make_node("Cast", [f"{output}_half"], [output], to=float32))
    del model.graph.node[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [each for each in model.graph.initializer if each.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return model
