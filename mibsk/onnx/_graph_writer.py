"""Writer of ONNX graphs, node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

OPSET, IR_VERSION = 20, 10  # of onnxruntime 1.18 and later

Shape = tuple[str | int, ...]
"""Sizes of the axes of a tensor; a name where the size is free."""


class GraphWriter:
    """Nodes and constants of a graph; methods append a part and return the name of its output."""

    def __init__(self) -> None:
        import onnx

        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        output = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, value: Tensor | Sequence[int] | np.ndarray | np.generic) -> str:
        name = f"constant_{len(self.constants)}"
        array = value.detach().numpy() if isinstance(value, Tensor) else value
        tensor = self.onnx.numpy_helper.from_array(np.asarray(array, order="C"), name)
        self.constants.append(tensor)
        return name

    def number(self, value: float) -> str:
        return self.constant(np.array([value], np.float32))

    def linear(self, x: str, weight: Tensor, bias: Tensor | None) -> str:
        """Append a linear layer for rows (n, n_inputs)."""
        constants = [self.constant(part) for part in (weight, bias) if part is not None]
        return self.node("Gemm", x, *constants, transB=1)

    def linear_of_sequence(self, x: str, part: nn.Linear) -> str:
        """Append a linear layer for an input of more than two axes."""
        product = self.node("MatMul", x, self.constant(part.weight.T))
        return product if part.bias is None else self.node("Add", product, self.constant(part.bias))

    def size(self, x: str, axis: int) -> str:
        """Append the size (1,) of an axis."""
        return self.node("Shape", x, start=axis, end=axis + 1)

    def model(
        self,
        name: str,
        inputs: Mapping[str, tuple[str, Shape]],
        outputs: Mapping[str, tuple[str, Shape]],
    ) -> Any:
        """Return the model, whose outputs are of type float32.

        Parameters
        ----------
        name : str
            Name of the graph.
        inputs : dict of str to (str, tuple)
            Name of the NumPy type and shape of each input.
        outputs : dict of str to (str, tuple)
            Result of a method that becomes an output, and its shape.
        """
        helper = self.onnx.helper
        for output, (value, _) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [value], [output]))
        graph = helper.make_graph(
            self.nodes,
            name,
            [
                helper.make_tensor_value_info(
                    each, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
                )
                for each, (dtype, shape) in inputs.items()
            ],
            [
                helper.make_tensor_value_info(each, self.onnx.TensorProto.FLOAT, shape)
                for each, (_, shape) in outputs.items()
            ],
            self.constants,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="mibsk"
        )
        self.onnx.checker.check_model(model)
        return model
