"""Tensors of KServe's protocol, in JSON and in binary."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from ._errors import RequestError, bad_request
from ._fields import check_object, kind_of, shortened

TYPES = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""Types of numbers, by name; BYTES is the type of strings."""

_FIELDS = ("name", "shape", "datatype", "data", "parameters")
_MAX_AXES = 32  # NumPy takes 64
_MAX_VALUES = 2**31


def read_tensor(values: Any, binary: memoryview) -> tuple[Any, int]:
    """Return a tensor of a request, and how many bytes of binary data it has.

    Parameters
    ----------
    values : object
        Its JSON object, with ``data``, or with the parameter ``binary_data_size``.
    binary : memoryview
        Binary data of this and of the following tensors.

    Returns
    -------
    tensor : ndarray of numbers, or of Python strings
    n_bytes : int

    Raises
    ------
    RequestError
        If the shape, the type and the data do not fit: 400.
    """
    check_object("a tensor of inputs", values, _FIELDS, ("name", "shape", "datatype"))
    shape = _shape(values["shape"])
    datatype = values["datatype"]
    if datatype != "BYTES" and (not isinstance(datatype, str) or datatype not in TYPES):
        raise bad_request(
            f"datatype must be one of {', '.join((*TYPES, 'BYTES'))}, got {shortened(datatype)}."
        )
    parameters = values.get("parameters", {})
    check_object("parameters of a tensor", parameters, ("binary_data_size",))
    if "binary_data_size" not in parameters:
        if "data" not in values:
            raise bad_request("a tensor lacks data, or the parameter 'binary_data_size'.", "data")
        return _from_json(values["data"], shape, datatype), 0
    if "data" in values:
        raise bad_request("a tensor has both data and 'binary_data_size': send one of them.")
    size = parameters["binary_data_size"]
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(binary):
        raise bad_request(
            f"binary_data_size is {shortened(size)}, but {len(binary)} bytes are there."
        )
    return _from_bytes(bytes(binary[:size]), shape, datatype), size


def _shape(shape: Any) -> tuple[int, ...]:
    whole = isinstance(shape, list) and all(
        isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in shape
    )
    if not whole or not 1 <= len(shape) <= _MAX_AXES:
        raise bad_request("shape must be a list of whole numbers, of rows first.", "shape")
    if prod(max(n, 1) for n in shape) > _MAX_VALUES:  # NumPy refuses them also beside an axis of 0
        raise bad_request(f"shape {shortened(shape)} is of too many values.", "shape")
    return tuple(shape)


def _from_json(data: Any, shape: tuple[int, ...], datatype: str) -> Any:
    flat = list(_flat(data, len(shape)))
    _check_count(len(flat), shape)
    kind = str if datatype == "BYTES" else bool if datatype == "BOOL" else int | float
    for value in flat:
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise bad_request(f"data of type {datatype} cannot have {kind_of(value)}.", "data")
    if datatype == "BYTES":
        return _strings(flat, shape)
    dtype = TYPES[datatype]
    try:
        with np.errstate(over="ignore"):
            array = np.array(flat, dtype)
    except (OverflowError, ValueError) as error:
        raise bad_request(
            f"data has values that {datatype} cannot hold: {error}.", "data"
        ) from error
    if dtype.kind in "iu" and any(isinstance(value, float) and value % 1 for value in flat):
        raise bad_request(f"data of type {datatype} has numbers with fractions.", "data")
    return array.reshape(shape)


def _flat(data: Any, depth: int) -> Iterator[Any]:
    """Yield the values of lists in lists, at most `depth` of them, or of one list."""
    if not isinstance(data, list):
        raise bad_request(f"data must be a list, got {kind_of(data)}.", "data")
    for value in data:
        if isinstance(value, list):
            if depth <= 1:
                raise bad_request("data has more lists in lists than the shape has axes.", "data")
            yield from _flat(value, depth - 1)
        else:
            yield value


def _from_bytes(data: bytes, shape: tuple[int, ...], datatype: str) -> Any:
    if datatype == "BYTES":
        flat = list(_split_strings(data))
        _check_count(len(flat), shape)
        return _strings(flat, shape)
    dtype = TYPES[datatype]
    expected = prod(shape) * dtype.itemsize
    if len(data) != expected:
        raise bad_request(
            f"a tensor of {datatype} and shape {list(shape)} has {expected} bytes, got {len(data)}."
        )
    if datatype == "BOOL" and data.translate(None, b"\0\1"):
        raise bad_request("a tensor of BOOL has bytes other than 0 and 1.")
    return np.frombuffer(data, dtype).reshape(shape)


def _split_strings(data: bytes) -> Iterator[str]:
    """Yield strings that each follow their length, in 4 bytes."""
    start = 0
    while start < len(data):
        if start + 4 > len(data):
            raise bad_request("a tensor of BYTES ends within the length of a string.")
        (length,) = struct.unpack_from("<I", data, start)
        start += 4
        if start + length > len(data):
            raise bad_request("a tensor of BYTES ends within a string.")
        try:
            yield data[start : start + length].decode()
        except UnicodeDecodeError as error:
            raise bad_request("a tensor of BYTES has a string that is not UTF-8.") from error
        start += length


def _strings(flat: list[str], shape: tuple[int, ...]) -> np.ndarray:
    return np.array(flat, dtype=object).reshape(shape)


def _check_count(n: int, shape: tuple[int, ...]) -> None:
    if n != prod(shape):
        raise bad_request(f"data has {n} values, but its shape {list(shape)} has {prod(shape)}.")


def split_body(body: bytes, header: bytes | None) -> tuple[bytes, memoryview]:
    """Return the JSON of a body and its binary data, of which the header has the size of the first.

    Raises
    ------
    RequestError
        If the header is not such a size: 400.
    """
    if header is None:
        return body, memoryview(b"")
    if not header.isdigit() or int(header[:20]) > len(body):
        raise RequestError(
            400,
            "Inference-Header-Content-Length must be the number of bytes of JSON at the start of "
            f"the body of {len(body)}, got {header[:40].decode('latin-1')!r}.",
            "bad_input",
        )
    size = int(header)
    return body[:size], memoryview(body)[size:]
