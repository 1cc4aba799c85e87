"""Masked arrays, whose hidden values a conversion to a plain array would reveal."""

from __future__ import annotations

from typing import Any

import numpy as np


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
