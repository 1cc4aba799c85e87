"""Axis order of images, and conversion to channels first."""

from typing import Literal

import torch
from torch import Tensor, nn

ImageLayout = Literal["HW", "CHW", "HWC"]

MAX_CHANNELS = 4  # grey, grey + alpha, RGB, RGBA


def channel_axis(input_shape: tuple[int, int, int]) -> Literal[0, 2] | None:
    """Return the channel axis of a 3-d image, or None if the shape is ambiguous.

    It is the first or last axis with at most 4 values. If both or neither have so few, it is the
    one whose removal leaves a square image.
    """
    first, middle, last = input_shape
    front, back = first <= MAX_CHANNELS, last <= MAX_CHANNELS
    if front == back:
        front, back = middle == last, first == middle
    if front == back:
        return None
    return 0 if front else 2


def image_layout(input_shape: tuple[int, ...]) -> ImageLayout:
    """Infer the layout of an image from its shape.

    ===================  ======  =======================================================
    shape                layout  reason
    ===================  ======  =======================================================
    (28, 28), (20, 30)   HW      two axes: one channel
    (3, 32, 48)          CHW     only the first axis has at most 4 values
    (32, 48, 3)          HWC     only the last axis has at most 4 values
    (16, 32, 32)         CHW     neither axis has; the other two are equal
    (4, 4, 3)            HWC     both axes have; the other two are equal
    (8, 8, 8)            error   ambiguous
    ===================  ======  =======================================================

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one image.

    Returns
    -------
    {"HW", "CHW", "HWC"}
        Order of height, width and channels.

    Raises
    ------
    ValueError
        If the shape does not have two or three axes, or is ambiguous.

    Examples
    --------
    >>> from ._images import image_layout
    >>> image_layout((64, 64, 3))
    'HWC'
    """
    if len(input_shape) == 2:
        return "HW"
    if len(input_shape) != 3:
        raise ValueError(
            f"An image encoder got rows of shape {input_shape}: expected (H, W), (C, H, W) or "
            "(H, W, C). Reshape the rows, or choose another encoder such as 'mlp'."
        )
    axis = channel_axis(input_shape)
    if axis is None:
        raise ValueError(
            f"Cannot tell the channel axis of images of shape {input_shape}: expected (C, H, W) or "
            f"(H, W, C) with at most {MAX_CHANNELS} channels, or with H == W. Pass your own "
            "nn.Module, or 'mlp', which needs no layout."
        )
    return "CHW" if axis == 0 else "HWC"


def image_size(input_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (channels, height, width) of an image of any layout."""
    layout = image_layout(input_shape)
    sizes = dict(zip(layout, input_shape, strict=True))
    return sizes.get("C", 1), sizes["H"], sizes["W"]


class ChannelsFirst(nn.Module):
    """Permute images of any layout to (n, C, H, W), whose channels are adjacent on a CPU.

    Convolutions keep this order of memory ("channels last"), in which they are faster there.
    """

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layout = image_layout(input_shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with shape (n, C, H, W)."""
        if self.layout == "CHW":
            on_cpu = x.device.type == "cpu"
            return x.contiguous(memory_format=torch.channels_last) if on_cpu else x
        if self.layout == "HW":
            x = x.unsqueeze(-1)
        return x.movedim(-1, 1)

    def extra_repr(self) -> str:
        """Show the layout when the module is printed."""
        return f"layout={self.layout!r}"
