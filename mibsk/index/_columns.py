"""Columns of metadata: their types, and their values as plain ones."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

Type = Literal["string", "integer", "number", "boolean", "datetime"]

EXACT = 2**53  # integers up to here are exact in float64
_INT64 = 2**63
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)


def typed_columns(metadata: Any, n: int) -> dict[str, tuple[Type, list[Any]]]:
    """Return type and values of each column of a table.

    Values are str, int, float and bool; dates are integers, the microseconds since 1970 in UTC;
    None stands for missing ones. A column without any value is left out: it has no type yet.

    Parameters
    ----------
    metadata : DataFrame (n, columns) or None
    n : int
        Number of rows that the table must have.

    Raises
    ------
    TypeError, ValueError
        If it is not such a table, or a column contains other values, or values of several types.
    """
    if metadata is None:
        return {}
    if not isinstance(metadata, pd.DataFrame):
        raise TypeError(
            f"metadata must be a pandas DataFrame, got {type(metadata).__name__}: use "
            "pandas.DataFrame(...)."
        )
    if len(metadata) != n:
        raise ValueError(f"metadata has {len(metadata)} rows, but there are {n} ids.")
    columns: dict[str, tuple[Type, list[Any]]] = {}
    for j, name in enumerate(metadata.columns):
        if not isinstance(name, str) or not name:
            raise TypeError(f"columns of metadata need names, got {name!r} of column {j}.")
        if name in columns:
            raise ValueError(f"metadata has two columns {name!r}: give each a name.")
        found = _typed(name, metadata.iloc[:, j])
        if found is not None:
            columns[name] = found
    return columns


def as_stored(name: str, kind: Type, values: list[Any], stored: Type) -> list[Any]:
    """Return values in the type that the column of an index has.

    Raises
    ------
    ValueError
        If they are of another type.
    """
    if kind == stored:
        return values
    if (kind, stored) == ("integer", "number") and _all_below(values, EXACT):
        return [None if each is None else float(each) for each in values]
    whole = (kind, stored) == ("number", "integer") and _all_below(values, EXACT)
    if whole and all(each is None or each.is_integer() for each in values):
        return [None if each is None else int(each) for each in values]
    example = next(each for each in values if each is not None)
    raise ValueError(
        f"column {name!r} contains values of type {stored} in the index, got {kind} values such as "
        f"{example!r}: convert them, or give the column another name."
    )


def plain(kind: Type, value: Any) -> Any:
    """Return a value as people and JSON read it: dates as ISO 8601."""
    if kind == "datetime" and value is not None:
        text = (_EPOCH + value * _MICROSECOND).isoformat()
        return text.removesuffix("+00:00") + "Z"
    return value


def plain_row(columns: Mapping[str, Type], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all columns of an index; None of those that a row lacks."""
    return {name: plain(kind, row.get(name)) for name, kind in columns.items()}


def microseconds(value: Any) -> int:
    """Return the microseconds since 1970 of a date or its ISO 8601 text; without a zone, in UTC.

    Raises
    ------
    ValueError
        If it is no date.
    """
    time = pd.Timestamp(value)
    if pd.isna(time):
        raise ValueError(f"{value!r} is no date")
    time = time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
    return int(time.as_unit("us").asm8.astype(np.int64))


def _typed(name: str, column: pd.Series) -> tuple[Type, list[Any]] | None:
    """Return type and values of one column, None if it has no values."""
    missing = column.isna().to_numpy(bool)
    if missing.all():
        return None
    values = [None if gone else each for each, gone in zip(column.tolist(), missing, strict=True)]
    present = [each for each in values if each is not None]
    kinds = {_kind(each) for each in present}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    if len(kinds) > 1 or None in kinds:
        odd = next(e for e in present if _kind(e) is None or _kind(e) != _kind(present[0]))
        raise TypeError(
            f"column {name!r} of the metadata contains {odd!r} ({type(odd).__name__}): expected "
            "strings, whole numbers, numbers, booleans or dates, of one kind."
        )
    kind: Any = kinds.pop()
    convert = {"string": str, "integer": int, "number": float, "boolean": bool}.get(
        kind, microseconds
    )
    converted = [None if each is None else convert(each) for each in values]
    if kind == "integer" and not _all_below(converted, _INT64):
        raise ValueError(f"column {name!r} of the metadata contains integers beyond 64 bits.")
    if kind == "number" and not all(e is None or np.isfinite(e) for e in converted):
        raise ValueError(
            f"column {name!r} of the metadata contains infinity: replace it, or use None."
        )
    return kind, converted


def _kind(value: Any) -> Type | None:
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if isinstance(value, int | np.integer):
        return "integer"
    if isinstance(value, float | np.floating):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, datetime.date | np.datetime64):
        return "datetime"
    return None


def _all_below(values: list[Any], limit: int) -> bool:
    return all(each is None or -limit <= each < limit for each in values)
