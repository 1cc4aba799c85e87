"""Where the columns of a modality stand in a table, given as scikit-learn's tools take them."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer

from .._checks.parameters import suggest
from ._columns import column_names


def find_columns(X: Any, modality: str, columns: Any) -> list[int]:
    """Return where the columns of one modality stand in a table.

    Parameters
    ----------
    X : data frame, array or sparse matrix (n, d)
        The table.
    modality : str
        Its name, for messages.
    columns : str, int, list, slice, mask or callable
        As in `sklearn.compose.ColumnTransformer`.

    Raises
    ------
    ValueError
        If some cannot be found, or there are none.
    """
    if callable(columns):
        columns = columns(X)
    # ColumnTransformer takes the column of a bare name or position as 1-d
    columns = [columns] if isinstance(columns, str | Integral) else columns
    # it cuts a row of positions here, so that the table itself is neither checked nor copied
    row: Any = np.arange(X.shape[1])[np.newaxis]
    if names := column_names(X):
        row = pd.DataFrame(row, columns=list(names))
    finder = ColumnTransformer([("found", "passthrough", columns)]).set_output(transform="default")
    table = f"a table with n_features={X.shape[1]}"  # scikit-learn's word
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
