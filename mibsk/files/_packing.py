"""Conversion of nested plain values and tensors to JSON plus named tensors, and back."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch

# safetensors' codes of dtypes, by the name shared by torch and NumPy
_CODES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "complex64": "C64",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint64": "U64",
    "uint32": "U32",
    "uint16": "U16",
    "uint8": "U8",
    "bool": "BOOL",
}
_DTYPES = {code: getattr(torch, name) for name, code in _CODES.items()}


class PackedTensor(NamedTuple):
    """A tensor as stored in a file."""

    code: str
    shape: tuple[int, ...]
    itemsize: int
    data: np.ndarray


def pack(state: Any) -> tuple[Any, dict[str, PackedTensor]]:
    """Convert nested values to JSON content and named tensors.

    Parameters
    ----------
    state : nested dicts, lists and tuples
        Keys are strings, numbers, booleans or None; leaves are those, tensors, arrays of numbers
        and NumPy scalars. Subclasses of plain types are converted to their base type.

    Returns
    -------
    content : nested dicts, lists and plain values
        JSON-serializable values with finite numbers only. Other types are encoded as a dict with a
        single key that begins with a dollar sign.
    tensors : dict of str to PackedTensor
        Tensors that `content` refers to by name.

    Raises
    ------
    TypeError
        If a value has another type; the message gives its location.
    """
    tensors: dict[str, PackedTensor] = {}
    return _pack(state, (), tensors), tensors


def unpack(content: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Restore the state from the result of :func:`pack`.

    Raises
    ------
    KeyError, TypeError, ValueError
        If `content` is not as :func:`pack` returns it.
    """
    if isinstance(content, list):
        return [unpack(item, tensors) for item in content]
    if not isinstance(content, dict):
        return content
    tag: str
    value: Any
    tag, value = next(iter(content.items()), ("", None))
    if not tag.startswith("$"):
        return {key: unpack(item, tensors) for key, item in content.items()}
    if tag == "$tensor":
        return tensors[value]
    if tag == "$array":
        return tensors[value].numpy()
    if tag == "$tuple":
        return tuple(unpack(value, tensors))
    if tag == "$float":
        return struct.unpack(">d", bytes.fromhex(value))[0]
    if tag == "$dict":
        return {unpack(key, tensors): unpack(item, tensors) for key, item in value}
    raise ValueError(f"unknown tag {tag!r}")


def unpack_tensor(dtype: str, shape: list[int], data: bytearray) -> torch.Tensor:
    """Return the tensor that shares the memory of `data`."""
    if not data:  # frombuffer does not accept an empty buffer
        return torch.empty(shape, dtype=_DTYPES[dtype])
    return torch.frombuffer(data, dtype=_DTYPES[dtype]).reshape(shape)


def _pack(value: Any, keys: tuple[Any, ...], tensors: dict[str, PackedTensor]) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": struct.pack(">d", value).hex()}
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        return _pack(value.item(), keys, tensors)
    if isinstance(value, dict):
        items = [(_pack_key(key, keys), _pack(value[key], (*keys, key), tensors)) for key in value]
        if all(isinstance(key, str) and not key.startswith("$") for key, _ in items):
            return dict(items)
        return {"$dict": items}
    if isinstance(value, list | tuple):
        entries = [_pack(item, (*keys, i), tensors) for i, item in enumerate(value)]
        return {"$tuple": entries} if isinstance(value, tuple) else entries
    if isinstance(value, torch.Tensor | np.ndarray):
        packed = _pack_tensor(value) if isinstance(value, torch.Tensor) else _pack_array(value)
        if packed is not None:
            name = _free_name(keys, tensors)
            tensors[name] = packed
            return {"$tensor" if isinstance(value, torch.Tensor) else "$array": name}
    raise TypeError(
        f"{_where(keys)} is {_describe(value)}, which cannot be stored without executable code."
    )


def _pack_key(key: Any, keys: tuple[Any, ...]) -> Any:
    if not isinstance(key, str | int | float | np.generic | None):
        raise TypeError(f"{_where(keys)} has the key {key!r}: expected a string or a number.")
    return _pack(key, (*keys, key), {})


def _pack_tensor(value: torch.Tensor) -> PackedTensor | None:
    """Return the bytes of a tensor; None if its dtype or layout is not supported."""
    code = _CODES.get(str(value.dtype).removeprefix("torch."))
    if code is None or value.layout != torch.strided or value.is_meta:
        return None
    dense = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
    # an empty tensor may have strides that cannot be viewed as bytes
    flat = dense.reshape(-1) if dense.numel() else torch.empty(0, dtype=value.dtype)
    data = flat.view(torch.uint8).numpy()
    return PackedTensor(code, tuple(value.shape), value.itemsize, data)


def _pack_array(value: np.ndarray) -> PackedTensor | None:
    """Return the bytes of an array; None if its dtype is not supported."""
    code = _CODES.get(value.dtype.name)
    if code is None or value.dtype.kind not in "biufc":
        return None
    native = value.astype(value.dtype.newbyteorder("="), copy=False)
    data = np.ascontiguousarray(native).reshape(-1).view(np.uint8)
    return PackedTensor(code, value.shape, value.itemsize, data)


def _free_name(keys: tuple[Any, ...], taken: Iterable[str]) -> str:
    """Return a unique name for a tensor, from the path of its keys."""
    name = ".".join(map(str, keys)) or "state"
    name = name.encode("ascii", "backslashreplace").decode()
    while name in taken or name == "__metadata__":
        name += "_"
    return name


def _where(keys: tuple[Any, ...]) -> str:
    return "state" + "".join(f"[{key!r}]" for key in keys)


def _describe(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of {value.dtype} on {value.device.type} in layout {value.layout}"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    return f"a {type(value).__qualname__}"
