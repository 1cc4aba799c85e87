"""Conditions as the SQL of LanceDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ._columns import Type
from ._stored_names import column_of
from ._where import Condition

_SYMBOLS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}


def text(value: str) -> str:
    """Return a literal: between quotes, each quote twice, nothing else has a meaning."""
    return "'" + value.replace("'", "''") + "'"


def any_of(column: str, values: Iterable[str]) -> str:
    """Return the condition that a column of strings has one of some values."""
    return f"{column} IN ({', '.join(text(each) for each in values)})"


def as_sql(conditions: Sequence[Condition]) -> str | None:
    """Return all conditions together, or None if there are none."""
    return " AND ".join(f"({_one(each)})" for each in conditions) or None


def _one(condition: Condition) -> str:
    column = column_of(condition.column, condition.type)
    values = [_literal(condition.type, each) for each in condition.values]
    if condition.operator == "in":
        parts = [f"{column} IN ({', '.join(values)})"] if values else []
        parts += [f"{column} IS NULL"] if condition.or_missing else []
        return " OR ".join(parts) or "false"
    if condition.operator == "not":
        return f"{column} != {values[0]}" if values else f"{column} IS NOT NULL"
    return f"{column} {_SYMBOLS[condition.operator]} {values[0]}"


def _literal(kind: Type, value: Any) -> str:
    if kind == "string":
        return text(value)
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "number":
        return f"CAST('{value!r}' AS DOUBLE)"
    return f"CAST('{value}' AS BIGINT)"
