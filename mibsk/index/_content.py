"""Rows as people see them: pictures, text, and tables as JSON."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from .._checks.packages import not_installed
from ..bundle import Display
from ..data import InputSpec
from ._values import Content

TEXT = "text/plain; charset=utf-8"


def content_of(row: Any, spec: InputSpec, display: Display) -> Content | None:
    """Return what a person sees of a row.

    Parameters
    ----------
    row : array-like, str, or mapping of column to value
        One row of a modality, as its encoder takes it.
    spec : InputSpec
        Shape and columns of the rows.
    display : Display
        How they are shown.

    Returns
    -------
    Content or None
        PNG of an image, UTF-8 of text and of labels, JSON of a row of a table; None if the row is
        not shown, as recordings, which are not in the row.

    Raises
    ------
    NotInstalledError
        If Pillow is missing, which writes PNG.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.bundle import Display
    >>> from mibsk.data import InputSpec
    >>> from mibsk.index import content_of
    >>> spec = InputSpec("image", "dense", (2, 2), "uint8", pixels="byte")
    >>> row = np.array([[0, 255], [128, 64]], np.uint8)
    >>> content_of(row, spec, Display("image", "HW")).media_type
    'image/png'
    """
    if display.kind == "image":
        return Content(_png(_array(row), display), "image/png")
    if display.kind == "text":
        return Content(str(row).encode(errors="replace"), TEXT)
    if display.kind == "table":
        return Content(_json(row, spec.columns), "application/json")
    return None


def media_type_of(data: bytes) -> str:
    """Return the media type of a recording, a picture or text, by its first bytes."""
    for start, kind in _STARTS.items():
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF":
        return "audio/wav" if data[8:12] == b"WAVE" else "image/webp"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return TEXT


_STARTS = {
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
    b"\xff\xf3": "audio/mpeg",
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


def _array(row: Any) -> np.ndarray:
    """Return a row as an array; the cell of a Parquet file is one of arrays in arrays."""
    array = np.asarray(row)
    return np.stack([_array(each) for each in array]) if array.dtype == object else array


def _png(pixels: np.ndarray, display: Display) -> bytes:
    try:
        from PIL import Image
    except ImportError as error:
        raise not_installed("to show rows as pictures", "pillow") from error
    if display.axes == "CHW":
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    unit = (pixels.astype(np.float64) - display.low) / (display.high - display.low)
    grey = np.rint(255 * np.clip(np.nan_to_num(unit), 0, 1)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, format="PNG")
    return file.getvalue()


def _json(row: Any, columns: tuple[str, ...]) -> bytes:
    """Return the values by column; NaN and infinity, which JSON does not have, as text."""
    values = [row[name] for name in columns] if hasattr(row, "keys") else list(row)
    plain = [each.item() if hasattr(each, "item") else each for each in values]
    plain = [each if np.isfinite(each) else str(each) for each in plain]
    return json.dumps(dict(zip(columns, plain, strict=True)), ensure_ascii=False).encode()
