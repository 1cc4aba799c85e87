"""Types of pixels: 0..255 as bytes and 0..1 as floats have one meaning, but not one value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from .blocks import raw_chunks

_OTHER_MODES = ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV")

Pixels = Literal["", "boolean", "byte", "whole", "unit", "real"]


def pixel_values(X: np.ndarray, *, sample: bool = False) -> Pixels:
    """Return what the values of rows (n, ...) of two or more axes are; "" of a table, or none.

    Whole numbers are "boolean" if all are 0 or 1, "byte" if they are of 0 to 255, and "whole"
    otherwise; numbers with fractions are "unit" if they are of 0 to 1, and "real" otherwise.

    If `X` is only a `sample`, other rows may have other values: then "boolean" are booleans,
    "byte" is uint8, "real" are numbers with fractions, and all others are "".
    """
    if X.ndim < 3 or not X.size:
        return ""
    if X.dtype.kind == "b":
        return "boolean"
    if sample and X.dtype == np.uint8:
        return "byte"
    if sample:
        return "" if _is_whole(X) else "real"
    low, high = _extremes(X)
    if (low < 0 or high > 255) and X.dtype.kind != "f":
        return "whole"
    if _is_whole(X):
        return "whole" if low < 0 or high > 255 else "byte" if high > 1 else "boolean"
    return "real" if low < 0 or high > 1 else "unit"


def check_modes(what: str, pictures: Iterable[Any]) -> None:
    """Raise ``ValueError`` if an image of Pillow has a mode whose numbers are not brightnesses.

    Those of a palette image are numbers of colours, and others have axes that are not RGB.
    """
    for i, picture in enumerate(pictures):
        if getattr(picture, "mode", "") in _OTHER_MODES:
            raise ValueError(
                f"{what} has an image of mode {picture.mode!r} in row {i}, whose numbers are not "
                "brightnesses: pass image.convert('RGB')."
            )


def check_pixels(name: str, fitted: Pixels, dtype: str, X: np.ndarray) -> None:
    """Raise ``ValueError`` if pixels have another scale than those of `fit`, as their type tells.

    Parameters
    ----------
    name : str
        Name of the modality.
    fitted : {"", "boolean", "byte", "whole", "unit", "real"}
        Values of the rows in `fit`, see :func:`pixel_values`; "" if not known.
    dtype : {"float32", "uint8"}
        Type of the prepared rows in `fit`.
    X : ndarray (n, ...)
        Rows of two or more axes, before their conversion.
    """
    is_byte, is_boolean = X.dtype == np.uint8, X.dtype.kind == "b"
    if not X.size:
        return
    if fitted in ("unit", "real") and (is_byte or is_boolean):
        raise ValueError(
            f"modality {name!r} was fitted on numbers with fractions, got {X.dtype} rows: convert "
            "them as for fit, e.g. X / 255, or pass X.astype(np.float32) if they have its scale."
        )
    if fitted == "unit" and (high := _extremes(X)[1]) > 1 and _is_whole(X):
        raise ValueError(
            f"modality {name!r} was fitted on numbers of 0 to 1, got whole numbers up to {high:g}: "
            "convert them as for fit, e.g. X / 255."
        )
    if fitted == "byte" and is_boolean:
        raise ValueError(
            f"modality {name!r} was fitted on whole numbers of 0 to 255, got booleans: pass "
            "pixels of 0 to 255, e.g. 255 * X.astype(np.uint8)."
        )
    if fitted == "boolean":
        low, high = _extremes(X)
        if low < 0 or high > 1 or not _is_whole(X):
            raise ValueError(
                f"modality {name!r} was fitted on the values 0 and 1, got {X.dtype} values such "
                f"as {X[(X != 0) & (X != 1)].flat[0]:g}: convert them as for fit, e.g. X > 127."
            )
    elif dtype == "uint8" and not is_byte:
        with np.errstate(invalid="ignore"):
            held = np.array_equal(X.astype(np.uint8), X)
        if not held:
            raise ValueError(
                f"modality {name!r} takes uint8 rows, as in training; got {X.dtype} values that "
                "uint8 cannot hold. Pass the raw pixels, unscaled."
            )
    elif fitted == "byte" and X.dtype.kind == "f":
        low, high = _extremes(X)
        if low >= 0 and high <= 1 and not _is_whole(X):
            raise ValueError(
                f"modality {name!r} was fitted on whole numbers of 0 to 255, got {X.dtype} values "
                "of 0 to 1: convert them as for fit, e.g. 255 * X."
            )


def _extremes(X: np.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest value."""
    extremes = [(rows.min(), rows.max()) for rows in raw_chunks(X)]
    return float(min(low for low, _ in extremes)), float(max(high for _, high in extremes))


def _is_whole(X: np.ndarray) -> bool:
    """Whether all values are whole numbers; reads up to the first rows that have others."""
    if X.dtype.kind != "f":
        return True
    return all(np.array_equal(rows, np.rint(rows)) for rows in raw_chunks(X))
