"""Conditions on the columns of an Arrow table in memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from ._stored_names import column_of
from ._where import Condition


def mask_of(conditions: Sequence[Condition], table: Any) -> np.ndarray:
    """Return which rows of a table fulfil all conditions.

    Parameters
    ----------
    conditions : sequence of Condition
    table : pyarrow.Table
        Columns by the names of :func:`column_of`.

    Returns
    -------
    ndarray of bool (n,)
    """
    mask = np.ones(len(table), bool)
    for each in conditions:
        mask &= _one(each, table.column(column_of(each.column, each.type)))
    return mask


def _one(condition: Condition, column: Any) -> np.ndarray:
    import pyarrow.compute as pc

    holds = None
    if condition.operator == "in" and condition.type == "string":
        import pyarrow as pa

        holds = pc.is_in(column, pa.array(condition.values, column.type))
    elif condition.operator == "in" and condition.values:  # values equal, 0.0 and -0.0 too
        equal = [pc.equal(column, _scalar(each, column)) for each in condition.values]
        holds = reduce(pc.or_, equal)
    elif condition.operator == "not" and condition.values:
        holds = pc.not_equal(column, _scalar(condition.values[0], column))
    elif condition.operator == "not":
        holds = pc.is_valid(column)
    elif condition.operator != "in":
        compare = {
            "gte": pc.greater_equal,
            "gt": pc.greater,
            "lte": pc.less_equal,
            "lt": pc.less,
        }[condition.operator]
        holds = compare(column, _scalar(condition.values[0], column))
    mask = np.zeros(len(column), bool)
    if holds is not None:
        mask |= holds.fill_null(False).to_numpy()
    if condition.or_missing:
        mask |= column.is_null().to_numpy()
    return mask


def _scalar(value: Any, column: Any) -> Any:
    import pyarrow as pa

    return pa.scalar(value, column.type)
