"""Positions of the columns that select a modality, given as in `ColumnTransformer`."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from .._checks.parameters import suggest
from ._columns import column_names


def find_columns(X: Any, modality: str, columns: Any) -> list[int]:
    """Return the positions of the columns of one modality in a table.

    Raises
    ------
    ValueError
        If columns are not found, or none is selected.
    """
    from sklearn.compose import ColumnTransformer  # slow to import, only needed for one table

    if callable(columns):
        columns = columns(X)
    # a scalar name or position would make ColumnTransformer select a 1-d column
    columns = [columns] if isinstance(columns, str | Integral) else columns
    # applied to a row of positions, so that the table itself is neither checked nor copied
    row: Any = np.arange(X.shape[1])[np.newaxis]
    if names := column_names(X):
        row = pd.DataFrame(row, columns=list(names))
    finder = ColumnTransformer([("found", "passthrough", columns)]).set_output(transform="default")
    table = f"a table with n_features={X.shape[1]}"  # as in scikit-learn's messages
    try:
        found = finder.fit_transform(row)[0].tolist()
    except (IndexError, KeyError, NotImplementedError, TypeError, ValueError) as error:
        wanted = columns if isinstance(columns, list | tuple) else []
        lost = [name for name in wanted if isinstance(name, str) and name not in names]
        hint = suggest(lost[0], names) if lost else ""
        raise ValueError(
            f"modality {modality!r} selects {columns!r} of {table}: {str(error).rstrip('.')}.{hint}"
        ) from error
    if not found:
        raise ValueError(f"modality {modality!r} selects no column of {table}: {columns!r}.")
    return found
