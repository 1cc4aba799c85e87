"""Masked arrays, whose hidden values a conversion to a plain array would reveal."""

from __future__ import annotations

from typing import Any

import numpy as np

IMPUTE = (
    "A row that is masked or NaN as a whole lacks the modality; impute single values first, e.g. "
    "with sklearn.impute.SimpleImputer."
)


def check_unmasked(name: str, X: Any) -> None:
    """Raise ``ValueError`` if an array, or an array in a list, has masked values.

    Parameters
    ----------
    name : str
        What `X` is, for the message.
    X : object
        Data in any container.
    """
    if isinstance(X, np.ma.MaskedArray):
        arrays = [X]
    elif isinstance(X, list | tuple) and any(
        issubclass(kind, np.ma.MaskedArray) for kind in set(map(type, X))
    ):
        arrays = [item for item in X if isinstance(item, np.ma.MaskedArray)]
    else:
        return
    if any(array.dtype.names is None and np.ma.is_masked(array) for array in arrays):
        raise ValueError(f"{name} has masked values: fill them, or drop those rows.")


def whole_rows_masked(name: str, X: np.ma.MaskedArray[Any, Any], first_row: int = 0) -> None:
    """Raise ``ValueError`` if a row of a masked array is masked in part.

    Parameters
    ----------
    name : str
        What `X` is, for the message.
    X : masked array (n, ...)
        Rows.
    first_row : int, default=0
        Number of the first row.
    """
    mask = np.ma.getmaskarray(X).reshape(len(X), -1)
    partly = np.flatnonzero(mask.any(axis=1) & ~mask.all(axis=1))
    if len(partly):
        raise ValueError(
            f"{name} has masked values in a part of {len(partly)} row(s) (first: row "
            f"{first_row + int(partly[0])}). {IMPUTE}"
        )
