"""Ids of rows, made of what a file has written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ._columns import EXACT

_WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))\.0", re.ASCII)


def ids_of(values: Sequence[Any]) -> list[str | None]:
    """Return values as ids, None where one is missing.

    pandas keeps whole numbers as floats in a column in which some were missing. Such ids are
    written as whole numbers: floats, and the cells of a CSV file if all of them end in ".0".

    Parameters
    ----------
    values : sequence (n,)
        Cells of the column of ids.

    Examples
    --------
    >>> ids_of([1.0, 2.5, None, 7])
    ['1', '2.5', None, '7']
    >>> ids_of(["1.0", "20.0"]), ids_of(["1.0", "1.1"]), ids_of(["007"])
    (['1', '20'], ['1.0', '1.1'], ['007'])
    """
    whole = [_WHOLE.fullmatch(each) if isinstance(each, str) else None for each in values]
    if all(whole):
        return [match[1] for match in whole if match]
    return [_id_of(each) for each in values]


def _id_of(value: Any) -> str | None:
    if value is None or value != value:  # NaN, of a column of floats
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)
    return str(value)
