"""Types of pixels: 0..255 as bytes and 0..1 as floats have one meaning, but not one value."""

from __future__ import annotations

from typing import Literal

import numpy as np

from .blocks import raw_chunks

Pixels = Literal["", "boolean", "byte", "whole", "real"]


def pixel_values(X: np.ndarray) -> Pixels:
    """Return what the values of rows (n, ...) of two or more axes are; "" of a table.

    "boolean" are booleans, or floats that are all 0 or 1, "byte" is uint8, "whole" are other whole
    numbers, and "real" all others.
    """
    if X.ndim < 3:
        return ""
    if X.dtype.kind == "b":
        return "boolean"
    if X.dtype.kind != "f":
        return "byte" if X.dtype == np.uint8 else "whole"
    binary = True
    for rows in raw_chunks(X):
        if not np.array_equal(rows, np.rint(rows)):
            return "real"
        binary = binary and bool(((rows == 0) | (rows == 1)).all())
    return "boolean" if binary else "whole"


def check_pixels(name: str, fitted: Pixels, dtype: str, X: np.ndarray) -> None:
    """Raise ``ValueError`` if pixels have another scale than those of `fit`, as their type tells.

    Parameters
    ----------
    name : str
        Name of the modality.
    fitted : {"", "boolean", "byte", "whole", "real"}
        Values of the rows in `fit`, see :func:`pixel_values`; "" if not known.
    dtype : {"float32", "uint8"}
        Type of the prepared rows in `fit`.
    X : ndarray (n, ...)
        Rows of two or more axes, before their conversion.
    """
    is_byte, is_boolean = X.dtype == np.uint8, X.dtype.kind == "b"
    if not len(X):
        return
    if fitted == "real" and (is_byte or is_boolean):
        raise ValueError(
            f"modality {name!r} was fitted on numbers with fractions, got {X.dtype} rows: convert "
            "them as for fit, e.g. X / 255, or pass X.astype(np.float32) if they have its scale."
        )
    if fitted == "byte" and is_boolean:
        raise ValueError(
            f"modality {name!r} was fitted on uint8 rows, got booleans: pass pixels of 0 to 255, "
            "e.g. 255 * X.astype(np.uint8), or X.astype(np.uint8) if fit had only 0 and 1."
        )
    if fitted == "boolean" and (is_byte or dtype == "uint8"):
        wrong = X[(X != 0) & (X != 1)]
        if wrong.size:
            raise ValueError(
                f"modality {name!r} was fitted on the values 0 and 1, got {X.dtype} values such "
                f"as {wrong.flat[0]:g}: convert them as for fit, e.g. X > 127."
            )
    elif dtype == "uint8" and not is_byte:
        with np.errstate(invalid="ignore"):
            held = np.array_equal(X.astype(np.uint8), X)
        if not held:
            raise ValueError(
                f"modality {name!r} takes uint8 rows, as in training; got {X.dtype} values that "
                "uint8 cannot hold. Pass the raw pixels, unscaled."
            )
