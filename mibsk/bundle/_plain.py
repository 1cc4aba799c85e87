"""Plain values: what JSON can hold."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any

import numpy as np


def plain(where: str, value: Any) -> Any:
    """Return `value` with NumPy numbers, arrays, dates and paths as plain values of JSON.

    Numbers that are not finite become None, because JSON has none.

    Parameters
    ----------
    where : str
        What the value is, for messages.
    value : object
        Mappings and sequences of values.

    Raises
    ------
    TypeError
        If a value, or a key of a mapping, is of another type; the message names its place.
    """
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, np.ndarray):
        return plain(where, value.tolist())
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(
                    f"{where} must have strings as keys, got {key!r} of type {type(key).__name__}."
                )
        return {str(key): plain(f"{where}[{key!r}]", each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(f"{where}[{i}]", each) for i, each in enumerate(value)]
    raise TypeError(
        f"{where} must be a plain value (text, number, list or dict of these), got "
        f"{type(value).__name__}: convert it with str(...)."
    )
