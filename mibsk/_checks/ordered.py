"""Checks of rows that are paired with others by their order."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import numpy as np


def as_ordered(rows: Any, what: str) -> Any:
    """Return rows whose order is known: those of a table as an array, other ones as they are.

    Iteration over a table gives its columns, and over a set another order in each program.

    Parameters
    ----------
    rows : object
        Rows as a user passed them.
    what : str
        Name for the message.

    Raises
    ------
    TypeError
        If they are a set or a mapping.

    Examples
    --------
    >>> import pandas as pd
    >>> from mibsk._checks.ordered import as_ordered
    >>> as_ordered(pd.DataFrame({"first": ["a cat"], "second": ["one cat"]}), "captions")
    array([['a cat', 'one cat']], dtype=object)
    """
    if isinstance(rows, Mapping | Set):
        raise TypeError(
            f"{what} must be a list, whose order is known, got {type(rows).__name__}: pass a list "
            "in the order of the pictures."
        )
    return np.asarray(rows, dtype=object) if hasattr(rows, "columns") else rows
