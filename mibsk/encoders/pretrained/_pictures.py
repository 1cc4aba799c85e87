"""Pixels as a pretrained tower expects them: resized, cropped and normalised."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .._images import ChannelsFirst, image_size


def _bilinear(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(1 - np.abs(x), 0, None)


def _bicubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x, a = np.abs(x), -0.5
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


_FILTERS: dict[int, tuple[Callable[[NDArray[np.float64]], NDArray[np.float64]], int]] = {
    1: (_lanczos, 3),
    2: (_bilinear, 1),
    3: (_bicubic, 2),
}
"""Function and half width of the filters, by Pillow's number."""


_UNIT = 2.0**22  # weights are whole multiples of its inverse


@dataclass(frozen=True)
class PictureSettings:
    """How pictures become the pixels that a tower reads.

    Parameters
    ----------
    size : tuple of int or int, default=None
        Height and width after resizing, or the length of the shorter side; None keeps the size.
    resample : {1, 2, 3}
        Filter of the resizing: Lanczos, bilinear, bicubic.
    crop : tuple of int, default=None
        Height and width of the part from the centre; None keeps all.
    factor : float
        What values of 0 to 255 are multiplied by.
    mean, std : tuple of float
        Subtracted from each channel, and what it is divided by.
    """

    size: tuple[int, int] | int | None = None
    resample: int = 3
    crop: tuple[int, int] | None = None
    factor: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    @classmethod
    def read(cls, folder: Path) -> PictureSettings:
        """Read the settings of a folder.

        Raises
        ------
        FileNotFoundError
            If the folder has none.
        ValueError
            If they are others than those known here.
        """
        path, found = folder / "preprocessor_config.json", None
        if path.is_file():
            found = json.loads(path.read_text("utf-8"))
        elif (folder / "processor_config.json").is_file():
            path = folder / "processor_config.json"
            found = json.loads(path.read_text("utf-8")).get("image_processor")
        if found is None:
            raise FileNotFoundError(
                f"{folder} has no preprocessor_config.json, which says how pictures are resized "
                "and normalised: save the image processor of the model there."
            )
        return cls._parse(found, path)

    @classmethod
    def _parse(cls, found: Mapping[str, Any], path: Path) -> PictureSettings:
        size, crop = None, None
        if found.get("do_resize", True) and found.get("size") is not None:
            # a number is the shorter side if a crop follows, otherwise both
            given, cut = found["size"], found.get("do_center_crop", False)
            if isinstance(given, int):
                given = {"shortest_edge": given} if cut else {"height": given, "width": given}
            if given.get("shortest_edge"):
                size = given["shortest_edge"]
            elif given.get("height") and given.get("width"):
                size = given["height"], given["width"]
            else:
                raise ValueError(
                    f"{path} resizes pictures to {given}: expected a height and width, or the "
                    "shortest edge. Resize the pictures yourself and set do_resize to false there."
                )
        if found.get("do_center_crop", False):
            given = found["crop_size"]
            crop = (given, given) if isinstance(given, int) else (given["height"], given["width"])
        resample = found.get("resample", 2 if crop is None else 3)
        if size is not None and resample not in _FILTERS:
            raise ValueError(
                f"{path} resizes with resample={resample}: known are 1 (Lanczos), 2 (bilinear) and "
                "3 (bicubic)."
            )
        normalises = found.get("do_normalize", True)
        return cls(
            size,
            resample,
            crop,
            found.get("rescale_factor", 1 / 255) if found.get("do_rescale", True) else 1.0,
            tuple(found["image_mean"]) if normalises else cls.mean,
            tuple(found["image_std"]) if normalises else cls.std,
        )


class PixelValues(nn.Module):
    r"""Map pictures (n, \*input_shape) of uint8 to pixels (n, 3, height, width).

    Resizing is a product with one matrix for each axis, the width first, rounded to whole values
    after each. Weights are whole multiples of 2**-22 as in Pillow, and all sums are exact in
    float64, so that the result is the same on every device. It is that of Pillow, except that newer
    versions of it round and clip in another order where they resize the height first. A grey
    picture gets three equal channels.

    Parameters
    ----------
    settings : PictureSettings
        Size, filter, crop and normalisation.
    input_shape : tuple of int
        (H, W), (C, H, W) or (H, W, C) with 1 or 3 channels.

    Raises
    ------
    ValueError
        If pictures of this shape cannot be converted.
    """

    columns: Tensor
    lines: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, settings: PictureSettings, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        channels, height, width = image_size(input_shape)
        if channels not in (1, 3):
            raise ValueError(
                f"pictures of shape {input_shape} have {channels} channels: expected grey or RGB "
                "ones, (n, H, W) or (n, H, W, 3). Convert others first, those of Pillow with "
                "image.convert('RGB')."
            )
        new = settings.size or (height, width)
        if isinstance(new, int):
            long = int(new * max(height, width) / min(height, width))
            new = (new, long) if height <= width else (long, new)
        self.settings, self.new = settings, new
        self.channels_first = ChannelsFirst(input_shape)
        self.resizes = new != (height, width)
        crop = settings.crop or new
        if crop[0] > new[0] or crop[1] > new[1]:
            raise ValueError(
                f"pictures of {new[0]}x{new[1]} pixels are smaller than the part of "
                f"{crop[0]}x{crop[1]} that the tower reads: pass larger ones."
            )
        self.top, self.left = (new[0] - crop[0]) // 2, (new[1] - crop[1]) // 2
        self.crop = crop
        if self.resizes:
            for name, n, m in (("lines", height, new[0]), ("columns", width, new[1])):
                matrix = torch.from_numpy(resize_matrix(n, m, settings.resample))
                self.register_buffer(name, matrix, persistent=False)
        for name, values in (("mean", settings.mean), ("std", settings.std)):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return pixels (n, 3, height, width) of float32."""
        x = self.channels_first(x)
        if self.resizes:
            x = _to_bytes(x.double() @ self.columns.T)
            x = _to_bytes(self.lines @ x)
        height, width = self.crop
        x = x[:, :, self.top : self.top + height, self.left : self.left + width]
        x = x.float().expand(-1, 3, -1, -1)
        return (x * self.settings.factor - self.mean) / self.std


def resize_matrix(n: int, m: int, resample: int) -> NDArray[np.float64]:
    """Return the weights (m, n) by which a filter of Pillow maps n values to m.

    Examples
    --------
    >>> from mibsk.encoders.pretrained import resize_matrix
    >>> resize_matrix(4, 2, resample=2).round(4)
    array([[0.4286, 0.4286, 0.1429, 0.    ],
           [0.    , 0.1429, 0.4286, 0.4286]])
    """
    function, half_width = _FILTERS[resample]
    step = n / m
    stretch = max(step, 1.0)
    centres = (np.arange(m) + 0.5) * step
    first = np.maximum(np.floor(centres - half_width * stretch + 0.5), 0)
    last = np.minimum(np.floor(centres + half_width * stretch + 0.5), n)
    places = np.arange(n)
    weights = function((places + 0.5 - centres[:, None]) / stretch)
    weights[(places < first[:, None]) | (places >= last[:, None])] = 0
    weights /= weights.sum(1, keepdims=True)
    return np.trunc(weights * _UNIT + np.copysign(0.5, weights)) / _UNIT


def _to_bytes(x: Tensor) -> Tensor:
    """Round to whole values of 0 to 255, halves up as Pillow does."""
    return (x + 0.5).floor().clamp(0, 255)
