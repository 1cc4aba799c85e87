"""Conditions as filters of Qdrant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._stored_names import column_of
from ._where import Condition

VALUE, HIGH, LOW = "value", "high", "low"
_BITS = 32
_OPPOSITE = {"gte": "gt", "lte": "lt"}


def split(value: int) -> tuple[int, int]:
    """Return the high and the low 32 bits of an integer, the low ones from 0 on.

    Qdrant compares in float64, which cannot tell integers beyond 2^53 apart, but can these.
    """
    return value >> _BITS, value & ((1 << _BITS) - 1)


def as_filter(conditions: Sequence[Condition]) -> Any:
    """Return all conditions together as a filter, or None if there are none."""
    from qdrant_client import models

    return models.Filter(must=[_one(each) for each in conditions]) if conditions else None


def _one(condition: Condition) -> Any:
    from qdrant_client import models

    key = column_of(condition.column, condition.type)
    missing = models.IsEmptyCondition(is_empty=models.PayloadField(key=key))
    if condition.operator == "in":
        parts = [_equal(key, condition.type, each) for each in condition.values]
        parts += [missing] if condition.or_missing else []
        return models.Filter(should=parts) if parts else models.HasIdCondition(has_id=[])
    if condition.operator == "not":
        equal = [_equal(key, condition.type, each) for each in condition.values]
        return models.Filter(must_not=[missing, *equal])
    (bound,) = condition.values
    if condition.type == "number":
        return _range(key, condition.operator, bound)
    high, low = split(bound)
    strict = _OPPOSITE.get(condition.operator, condition.operator)
    same = [_range(f"{key}.{HIGH}", each, high) for each in ("gte", "lte")]
    tied = models.Filter(must=[*same, _range(f"{key}.{LOW}", condition.operator, low)])
    return models.Filter(should=[_range(f"{key}.{HIGH}", strict, high), tied])


def _equal(key: str, kind: str, value: Any) -> Any:
    from qdrant_client import models

    if kind == "number":
        return models.FieldCondition(key=key, range=models.Range(gte=value, lte=value))
    path = f"{key}.{VALUE}" if kind in ("integer", "datetime") else key
    return models.FieldCondition(key=path, match=models.MatchValue(value=value))


def _range(key: str, operator: str, bound: Any) -> Any:
    from qdrant_client import models

    return models.FieldCondition(key=key, range=models.Range(**{operator: bound}))
