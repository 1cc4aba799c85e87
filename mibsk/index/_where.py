"""Conditions on columns of metadata."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._checks.parameters import suggest
from ._columns import Type, microseconds

RANGES = ("gte", "gt", "lte", "lt")
ORDERED = ("integer", "number", "datetime")  # types that have a range
_INT64 = 2**63
_NUMBERS = (int, float, np.integer, np.floating)

Operator = Literal["in", "not", "gte", "gt", "lte", "lt"]


@dataclass(frozen=True)
class Condition:
    """One condition.

    Parameters
    ----------
    column : str
        Name of the column.
    type : str
        Its type.
    operator : {"in", "not", "gte", "gt", "lte", "lt"}
        "in" holds for values among `values`, "not" for values that differ from the one in
        `values`; the others compare with the one in `values`.
    values : tuple
        Values in the type of the column as it is stored.
    or_missing : bool
        Whether it holds for rows without a value; it is for none of the operators but "in".
    """

    column: str
    type: Type
    operator: Operator
    values: tuple[Any, ...]
    or_missing: bool = False


def conditions(where: Mapping[str, Any] | None, columns: Mapping[str, Type]) -> list[Condition]:
    """Return the conditions of a mapping, all of which must hold.

    Parameters
    ----------
    where : mapping or None
        See :meth:`mibsk.index.Index.search`.
    columns : mapping of str to str
        Type of each column.

    Raises
    ------
    TypeError, ValueError
        If there is no such column or operator, or a value is of another type than the column.
    """
    if where is None:
        return []
    if not isinstance(where, Mapping):
        raise TypeError(
            f"where must map columns to values, got {type(where).__name__}: for example "
            "{'colour': 'red'}."
        )
    found: list[Condition] = []
    for column, wanted in where.items():
        if column not in columns:
            listed = f"only {', '.join(columns)}" if columns else "as it has no metadata"
            raise ValueError(
                f"the index has no column {column!r}, {listed}." + suggest(str(column), columns)
            )
        found += _of_column(column, columns[column], wanted)
    return found


def _of_column(column: str, kind: Type, wanted: Any) -> Iterable[Condition]:
    if isinstance(wanted, Mapping):
        if not wanted:
            raise ValueError(f"the condition on column {column!r} is empty.")
        return [_compared(column, kind, name, value) for name, value in wanted.items()]
    several = isinstance(wanted, list | tuple | set | frozenset | np.ndarray)
    values = list(wanted) if several else [wanted]
    if not values:
        raise ValueError(f"column {column!r} is to have any of no values: give one at least.")
    typed = {_typed(column, kind, each) for each in values if each is not None}
    typed.discard(_OTHER)
    return [Condition(column, kind, "in", tuple(sorted(typed)), any(e is None for e in values))]


def _compared(column: str, kind: Type, name: str, value: Any) -> Condition:
    if name not in (*RANGES, "ne"):
        raise ValueError(
            f"{name!r} is no comparison (of column {column!r}): expected "
            f"{', '.join((*RANGES, 'ne'))}." + suggest(str(name), (*RANGES, "ne"))
        )
    if name == "ne":
        typed = () if value is None else (_typed(column, kind, value),)
        return Condition(column, kind, "not", tuple(e for e in typed if e is not _OTHER))
    if kind not in ORDERED:
        raise ValueError(
            f"column {column!r} contains values of type {kind}, which {name!r} does not compare: "
            "give values that it is to have."
        )
    bound = _typed(column, kind, value)
    if bound is _OTHER:
        return _whole_bound(column, name, value)
    return Condition(column, kind, name, (bound,))  # type: ignore[arg-type]


def _whole_bound(column: str, name: str, value: Any) -> Condition:
    """Return the comparison of whole numbers with a fraction, or with a number beyond 64 bits."""
    above = name in ("gte", "gt")
    if -_INT64 <= value < _INT64:
        return Condition(column, "integer", "gt" if above else "lte", (math.floor(value),))
    if (value > 0) == above:
        return Condition(column, "integer", "in", ())
    return Condition(column, "integer", "gte", (-_INT64,))


class _Other:
    """A value that no stored value equals, such as 2.5 of whole numbers."""


_OTHER = _Other()


def _typed(column: str, kind: Type, value: Any) -> Any:
    """Return a value in the type of its column, `_OTHER` if no value of that type equals it."""
    is_bool = isinstance(value, bool | np.bool_)
    if kind == "string" and isinstance(value, str):
        return str(value)
    if kind == "boolean" and is_bool:
        return bool(value)
    if kind in ("integer", "number") and isinstance(value, _NUMBERS) and not is_bool:
        if math.isnan(value):
            raise ValueError(f"column {column!r} is compared with NaN: use None for missing.")
        if kind == "number":
            return _as_float(value)
        inside = -_INT64 <= value < _INT64
        return int(value) if inside and value == math.floor(value) else _OTHER
    if kind == "datetime" and isinstance(value, str | datetime.date | np.datetime64):
        try:
            return microseconds(value)
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"column {column!r} contains dates, got {value!r}: write ISO 8601, such as "
                "2026-01-31 or 2026-01-31T12:00:00Z."
            ) from error
    raise _wrong_type(column, kind, value)


def _as_float(value: Any) -> float:
    largest = float(np.finfo(np.float64).max)
    try:
        return float(np.clip(float(value), -largest, largest))
    except OverflowError:
        return largest if value > 0 else -largest


def _wrong_type(column: str, kind: str, value: Any) -> TypeError:
    return TypeError(
        f"column {column!r} contains values of type {kind}, got {value!r} ({type(value).__name__})."
    )
