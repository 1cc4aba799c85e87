"""Pictures become rows of a modality that is shown as images."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

import numpy as np

from ..bundle import Display
from ..data import InputSpec
from ._errors import RequestError, bad_request

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_ORIENTATION, _ON_THEIR_SIDE = 0x0112, (5, 6, 7, 8)  # of EXIF: how cameras store pictures
_MAX_PIXELS = 4096 * 4096  # of a picture before it is resized


def picture_of_url(url: str, param: str) -> bytes:
    """Return the bytes of a data URL, ``data:image/png;base64,...``.

    Raises
    ------
    RequestError
        If it is not one: 400.
    """
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:image/") and head.endswith(";base64")):
        raise bad_request(
            f"{param} must be a data URL such as 'data:image/png;base64,...', got {url[:40]!r}.",
            param,
        )
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request(f"{param} has a data URL that is not base64: {error}.", param) from error


def row_of_picture(
    spec: InputSpec, display: Display, picture: bytes, param: str, *, resize: bool
) -> np.ndarray:
    """Return a picture as a row: its grey values or colours, on the scale of the modality.

    Parameters
    ----------
    spec : InputSpec
        Shape and type of the row.
    display : Display
        Order of its axes, and its values of black and white.
    picture : bytes
        A file of PNG, JPEG, WebP, GIF or BMP.
    param : str
        Name of the field, for messages.
    resize : bool
        Whether a picture of another size is resized; if not, it is an error.

    Raises
    ------
    RequestError
        If the picture cannot be read or has another size: 400.
    """
    channels_first = display.axes == "CHW"
    height, width = spec.shape[1:3] if channels_first else spec.shape[:2]
    n_channels = 1 if len(spec.shape) == 2 else spec.shape[0 if channels_first else 2]
    pixels = _read(picture, (width, height), _MODES[n_channels], param, resize)
    if len(spec.shape) == 3:
        pixels = pixels.reshape(height, width, n_channels)
        pixels = np.moveaxis(pixels, 2, 0) if channels_first else pixels
    if spec.pixels == "boolean":
        return pixels > 127
    if spec.dtype == "uint8":
        return pixels
    values = display.low + (display.high - display.low) * (pixels / 255)
    return np.rint(values) if spec.pixels in ("byte", "whole") else values


def _read(picture: bytes, size: tuple[int, int], mode: str, param: str, resize: bool) -> np.ndarray:
    """Return pixels (height, width, ...) of uint8."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(picture), formats=_FORMATS) as image:
            lies = image.getexif().get(_ORIENTATION, 1) in _ON_THEIR_SIDE
            _check_size(image.size[::-1] if lies else image.size, size, param, resize)
            converted = _on_white(ImageOps.exif_transpose(image), mode)  # as browsers show it
    except RequestError:
        raise
    except Exception as error:  # of many types, by format
        reason = (
            str(error) if not isinstance(error, OSError) else "it is damaged or of another format"
        )
        raise bad_request(
            f"{param} has a picture that cannot be read ({reason}): send {', '.join(_FORMATS)}.",
            param,
        ) from error
    if converted.size != size:
        converted = converted.resize(size, Image.Resampling.BOX)
    return np.asarray(converted)


def _on_white(image: Any, mode: str) -> Any:
    """Return a picture in a mode, on white where the mode cannot be transparent."""
    from PIL import Image

    if image.mode.startswith("I"):  # grey of 16 bits, which other modes would clip
        values = np.asarray(image)
        grey = (values >> 8).astype(np.uint8)
        if "transparency" in image.info:
            grey[values == image.info["transparency"]] = 255
        return Image.fromarray(grey).convert(mode)
    if mode == "RGBA" or not image.has_transparency_data:
        return image.convert(mode)
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert(mode)


def _check_size(given: tuple[int, int], size: tuple[int, int], param: str, resize: bool) -> None:
    if given == size or (resize and given[0] * given[1] <= _MAX_PIXELS):
        return
    raise bad_request(
        f"{param} has a picture of {given[0]} x {given[1]} pixels, expected {size[0]} x {size[1]}"
        + (
            f", or at most {_MAX_PIXELS:,} pixels to resize."
            if resize
            else f': resize it, or send "resize": true beside {param}.'
        ),
        param,
    )
