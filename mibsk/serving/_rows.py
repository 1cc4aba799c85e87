"""Rows in JSON become what an encoder takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..bundle import Display
from ..data import InputSpec
from ._errors import bad_request
from ._fields import kind_of
from ._pictures import picture_of_url, row_of_picture

TokensOf = Callable[[list[str]], np.ndarray]
_SCALARS = str | int | float  # bool is an int


def rows_of_json(
    spec: InputSpec,
    display: Display,
    value: Any,
    param: str,
    *,
    resize: bool = False,
    tokens_of: TokensOf | None = None,
) -> Any:
    """Return the rows of one modality, of one row or of a list of rows.

    Whether a list is one row or several follows from the shape of a row: of a modality with rows of
    shape (8, 4), lists in lists are one row, and lists in lists in lists are several.

    Parameters
    ----------
    spec : InputSpec
        Kind, shape and type of the rows.
    display : Display
        How rows are shown; data URLs of pictures become rows of a modality shown as images.
    value : object
        Numbers in lists of the shape of a row; a string of text; a class label; a mapping from
        columns to values; a data URL; or a list of one of these.
    param : str
        Name of the field, for messages.
    resize : bool, default=False
        Whether pictures of another size are resized.
    tokens_of : callable, default=None
        From strings to rows, if this is the modality of the captions of a captioner.

    Returns
    -------
    ndarray or list
        Rows for `OnnxEncoder.transform`, which checks them.

    Raises
    ------
    RequestError
        If the value is none of these: 400.
    """
    if spec.kind == "text":
        return _scalars(spec, value, param, str, "a string")
    if spec.kind == "labels":
        return _scalars(spec, value, param, _SCALARS, "a string or a number")
    if isinstance(value, str | dict):
        value = [value]
    if tokens_of is not None and isinstance(value, list) and value and isinstance(value[0], str):
        return tokens_of(value)
    if isinstance(value, list) and not any(isinstance(each, str | dict) for each in value):
        return _numbers(spec, _several(spec, value, param), param)
    if not isinstance(value, list):
        raise bad_request(
            f"{param} must be a row of modality {spec.name!r}, numbers of shape {spec.shape}, or a "
            f"list of rows; got {kind_of(value)}.",
            param,
        )
    rows = [_single(spec, display, each, param, resize) for each in value]
    return _numbers(spec, rows, param)


def _scalars(spec: InputSpec, value: Any, param: str, kinds: Any, expected: str) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    for number, each in enumerate(values):
        if not isinstance(each, kinds):
            raise bad_request(
                f"{param} must be {expected} of modality {spec.name!r}, or a list of them; got "
                f"{kind_of(each)}" + (f" at row {number}." if values is value else "."),
                param,
            )
    return values


def _several(spec: InputSpec, value: list[Any], param: str) -> list[Any]:
    """Return a list of rows, of one row or of several."""
    depth = 0
    inner: Any = value
    while isinstance(inner, list):
        depth += 1
        inner = inner[0] if inner else None
    n_axes = len(spec.shape)
    if depth == n_axes:
        return [value] if value else value
    if depth != n_axes + 1 and value:
        raise bad_request(
            f"{param} must be one row of modality {spec.name!r}, of shape {spec.shape} and so "
            f"lists {n_axes} deep, or a list of rows; got lists {depth} deep.",
            param,
        )
    return value


def _single(spec: InputSpec, display: Display, value: Any, param: str, resize: bool) -> Any:
    """Return one row of lists, of a data URL, or of a mapping from columns."""
    if isinstance(value, str):
        if display.kind != "image":
            raise bad_request(
                f"{param} must be numbers of shape {spec.shape} of modality {spec.name!r}, got a "
                "string; only a modality shown as images takes data URLs.",
                param,
            )
        picture = picture_of_url(value, param)
        return row_of_picture(spec, display, picture, param, resize=resize)
    if isinstance(value, dict):
        if not spec.columns:
            raise bad_request(
                f"{param} must be numbers of shape {spec.shape}: the columns of modality "
                f"{spec.name!r} have no names.",
                param,
            )
        if len(value) != len(spec.columns) or any(name not in value for name in spec.columns):
            spec.prepare(pd.DataFrame([value]))  # raises: which are missing, which unknown
        return [value[name] for name in spec.columns]
    return value


def _numbers(spec: InputSpec, rows: list[Any], param: str) -> Any:
    """Return rows as an array of the type of the modality, or as they are if they have no shape.

    JSON has one type of number: whole ones are pixels of a modality of bytes, and numbers like
    others elsewhere.
    """
    try:
        array = np.asarray(rows)
    except ValueError:  # of unequal shapes: the encoder says which
        return rows
    # true and false become 1 and 0: only then the lists are searched
    if array.dtype.kind in "iuf" and ((array == 0) | (array == 1)).any() and _has_boolean(rows):
        raise bad_request(
            f"{param} has true or false among the numbers of modality {spec.name!r}: send 1 or 0.",
            param,
        )
    if array.dtype.kind not in "iu":
        return rows if array.dtype.kind in "OU" else array
    if spec.pixels == "byte" or spec.dtype == "uint8":
        as_bytes = array.astype(np.uint8)
        return as_bytes if np.array_equal(as_bytes, array) else array
    return array.astype(np.float64) if spec.pixels in ("", "whole", "real") else array


def _has_boolean(values: Any) -> bool:
    """Return whether lists in lists have true or false, which NumPy reads as numbers."""
    if not isinstance(values, list):
        return False
    kinds = set(map(type, values))
    return bool in kinds or (list in kinds and any(map(_has_boolean, values)))
