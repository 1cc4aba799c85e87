"""Strings in any container: arrays of Python or NumPy strings, bytes, tables of one column."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp


def as_text(what: str, X: Any) -> Any:
    """Return a column that has strings as a 1-D array of Python or NumPy strings.

    Other arrays are returned as they are, and so are missing and other values beside the strings.

    Parameters
    ----------
    what : str
        Name used in error messages.
    X : ndarray or Series
        A column (n,) or (n, 1) of strings or of bytes in UTF-8, or any other array.

    Raises
    ------
    ValueError
        If bytes are not UTF-8.
    """
    column = X[:, 0] if X.ndim == 2 and X.shape[1] == 1 else X
    if column.ndim != 1 or X.dtype.kind not in "OSTU":
        return X
    if X.dtype.kind == "T":  # StringDType
        return column.astype(object)
    if X.dtype.kind == "O":
        kinds = set(map(type, column))
        if not any(issubclass(kind, bytes | bytearray) for kind in kinds):
            return column if any(issubclass(kind, str) for kind in kinds) else X
    return column if X.dtype.kind == "U" else _decode(what, column)


def is_text(X: Any) -> bool:
    """Whether `X` is a 1-D array of strings."""
    if sp.issparse(X) or X.ndim != 1:
        return False
    if X.dtype.kind == "U":
        return True
    return X.dtype.kind == "O" and all(isinstance(value, str) for value in X)


def check_none_missing(name: str, X: Any, first_row: int | None = None) -> None:
    """Raise ``ValueError`` naming modality and row if values are missing among strings.

    Parameters
    ----------
    name : str
        Name of the modality.
    X : ndarray or CSR matrix
        Its rows, or a part of them; only those of a 1-D array are examined.
    first_row : int, default=None
        Number of the first row, if `X` is a part.
    """
    if X.ndim != 1:
        return
    import pandas as pd  # slow to import, rarely needed

    missing = pd.isna(X)
    if missing.any() and any(isinstance(value, str) for value in X):
        count = missing.sum() if first_row is None else f"at least {missing.sum()}"
        raise ValueError(
            f"modality {name!r} has missing values among its strings (first at row "
            f"{missing.argmax() + (first_row or 0)}; {count} row(s) affected): drop these rows, or "
            "fill them with ''."
        )


def _decode(what: str, column: np.ndarray) -> np.ndarray:
    """Return a column of bytes in UTF-8 as Python strings; other values stay as they are."""
    decoded = (str(v, "utf-8") if isinstance(v, bytes | bytearray) else v for v in column)
    try:
        return np.fromiter(decoded, dtype=object, count=len(column))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{what} has bytes that are not UTF-8 text, such as {bytes(error.object[:20])!r}: "
            "decode strings first, and pass images or sounds as arrays of numbers."
        ) from error
