"""Configuration of a Triton model, as protobuf text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

TYPES = {
    "tensor(float)": "TYPE_FP32",
    "tensor(float16)": "TYPE_FP16",
    "tensor(uint8)": "TYPE_UINT8",
    "tensor(int64)": "TYPE_INT64",
    "tensor(string)": "TYPE_STRING",
}
"""Types of Triton, by those of onnxruntime."""


class Tensor(NamedTuple):
    """An input or output of a model: name, type, and shape of one row; -1 is any length."""

    name: str
    type: str
    shape: tuple[int, ...]

    @classmethod
    def of(cls, argument: Any) -> Tensor:
        """Return the description of an argument of an onnxruntime session."""
        shape = (size if isinstance(size, int) else -1 for size in argument.shape[1:])
        return cls(argument.name, TYPES[argument.type], tuple(shape))


def config_text(
    name: str,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    *,
    max_batch_size: int,
    parameters: dict[str, str],
) -> str:
    """Return the text of ``config.pbtxt``, a ``ModelConfig`` of Triton's ``model_config.proto``.

    Triton adds the axis of the batch, so the shapes are those of one row.
    """
    lines = [
        f"name: {quoted(name)}",
        'platform: "onnxruntime_onnx"',
        f"max_batch_size: {max_batch_size}",
        *_tensors("input", inputs),
        *_tensors("output", outputs),
        "dynamic_batching { }",
        "version_policy { latest { num_versions: 1 } }",
    ]
    for key, value in parameters.items():
        lines += [
            "parameters {",
            f"  key: {quoted(key)}",
            f"  value {{ string_value: {quoted(value)} }}",
            "}",
        ]
    return "\n".join(lines) + "\n"


def _tensors(field: str, tensors: Iterable[Tensor]) -> Iterable[str]:
    for tensor in tensors:
        dims, reshape = (tensor.shape, "") if tensor.shape else ((1,), "  reshape { }\n")
        yield (
            f"{field} {{\n"
            f"  name: {quoted(tensor.name)}\n"
            f"  data_type: {tensor.type}\n"
            f"  dims: [ {', '.join(map(str, dims))} ]\n"
            f"{reshape}}}"
        )


def quoted(text: str) -> str:
    """Return a string of protobuf text; of what is not ASCII, its UTF-8 bytes in octal."""
    escaped = (
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in text.encode()
    )
    return f'"{"".join(escaped)}"'
