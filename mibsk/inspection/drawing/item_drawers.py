"""Items of a modality, drawn as images, spectrograms, waveforms or text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from ..._checks.parameters import suggest
from ..._checks.tensors import is_tensor, tensor_to_array
from .style import ink, note_size
from .text import characters_across, shorten, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CHANNELS = (1, 3, 4)
_WIDE = 0.75  # aspect of items without one of their own
_LINE = 2.3  # height of a line of text, over the width of a letter


class Drawer(NamedTuple):
    """How to draw an item of one kind, and its height for a width of 1."""

    draw_inside: Callable[[Axes, Any], None]
    aspect: float

    def draw(self, ax: Axes, item: Any) -> None:
        """Draw an item in a frame."""
        self.draw_inside(ax, item)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(True)


def take_items(items: Any, rows: np.ndarray, n: int, argument: str) -> list[Any]:
    """Return the items of some of `n` rows: strings, numbers or arrays."""
    if is_tensor(items):
        items = tensor_to_array(argument, items)
    elif sp.issparse(items):
        items = items.tocsr()
    elif hasattr(items, "to_numpy"):
        items = items.to_numpy()
    if isinstance(items, str | bytes) or not (
        hasattr(items, "shape") or isinstance(items, Sequence)
    ):
        raise TypeError(
            f"{argument} must be an array or a list with one item per row, got "
            f"{type(items).__name__}."
        )
    found = items.shape[0] if hasattr(items, "shape") else len(items)
    if found != n:
        raise ValueError(
            f"{argument} must have one item per row of its embeddings, got {found} for {n} rows."
        )
    return [_as_item(items[int(row)]) for row in rows]


def _as_item(item: Any) -> Any:
    if isinstance(item, str):
        return item
    if sp.issparse(item):
        return np.ravel(item.toarray())
    if is_tensor(item):
        return tensor_to_array("items", item)
    return np.asarray(item)


def make_drawer(items: Sequence[Any], kind: str | None, argument: str) -> Drawer:
    """Return how to draw each of the items, all on one scale.

    None infers `kind` from the shape of the first item: text has no dimension, a waveform one, an
    image two, a coloured image three. `argument` names the items in error messages.
    """
    if kind is not None and kind not in _DRAWERS:
        raise ValueError(
            f"the kind of {argument} must be one of {list(_DRAWERS)}, got {kind!r}."
            + suggest(str(kind), _DRAWERS)
        )
    chosen = _kind_of(items[0], argument) if kind is None else kind
    make, dimensions = _DRAWERS[chosen]
    if chosen == "text":
        return make(items)
    arrays = [np.asarray(item) for item in items]
    for array in arrays:
        if array.ndim not in dimensions or array.dtype.kind not in "biuf" or array.size == 0:
            raise ValueError(
                f"{argument} drawn as {chosen} must be arrays of numbers with "
                f"{' or '.join(map(str, dimensions))} dimension(s), got one of shape {array.shape} "
                f"and dtype {array.dtype}: choose another kind with kinds=."
            )
        if array.ndim == 3:
            _channels_last(array, argument)
    return make(arrays)


def _kind_of(item: Any, argument: str) -> str:
    if isinstance(item, str) or item.ndim == 0:
        return "text"
    kinds = {1: "waveform", 2: "image", 3: "image"}
    if item.ndim not in kinds:
        raise ValueError(
            f"{argument} must be images, waveforms or text, got one of shape {item.shape}: pass "
            "items that can be drawn."
        )
    return kinds[item.ndim]


def _channels_last(image: np.ndarray, argument: str = "an item") -> np.ndarray:
    """Return an image with its channels, if any, last: (height, width[, channels])."""
    if image.ndim == 3:
        if image.shape[-1] not in _CHANNELS and image.shape[0] in _CHANNELS:
            image = np.moveaxis(image, 0, -1)
        if image.shape[-1] not in _CHANNELS:
            raise ValueError(
                f"{argument} must be images with 1, 3 or 4 channels, got shape {image.shape}."
            )
        if image.shape[-1] == 1:
            image = image[..., 0]
    return image


def _limits(items: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the smallest and largest finite value of all items; 0 and 1 if there is none."""
    finite = [values for item in items if (values := item[np.isfinite(item)]).size]
    if not finite:
        return 0.0, 1.0
    low = min(float(values.min()) for values in finite)
    high = max(float(values.max()) for values in finite)
    return low, high if high > low else low + 1.0


def _image_drawer(items: Sequence[np.ndarray]) -> Drawer:
    low, high = _limits(items)
    shapes = [_channels_last(item).shape for item in items]
    aspect = max(height / width for height, width, *_ in shapes)

    def draw(ax: Axes, item: Any) -> None:
        image = _channels_last(np.asarray(item))
        if image.ndim == 3 and image.dtype != np.uint8:
            outside = low < 0 or high > 1
            image = (image - low) / (high - low) if outside else image.astype(float)
            image = np.clip(np.nan_to_num(image), 0, 1)
        ax.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")

    return Drawer(draw, min(max(aspect, 0.5), 1.2))


def _spectrogram_drawer(items: Sequence[np.ndarray]) -> Drawer:
    low, high = _limits(items)

    def draw(ax: Axes, item: Any) -> None:
        style: Any = {"cmap": "magma", "vmin": low, "vmax": high, "interpolation": "nearest"}
        ax.imshow(np.asarray(item), origin="lower", aspect="auto", **style)
        ax.set_box_aspect(_WIDE)

    return Drawer(draw, _WIDE)


def _waveform_drawer(items: Sequence[np.ndarray]) -> Drawer:
    low, high = _limits(items)
    margin = 0.08 * (high - low)

    def draw(ax: Axes, item: Any) -> None:
        wave = np.asarray(item)
        ax.plot(wave, color=ink(), linewidth=0.9)
        ax.set(xlim=(0, max(len(wave) - 1, 1)), ylim=(low - margin, high + margin))
        ax.set_box_aspect(_WIDE)

    return Drawer(draw, _WIDE)


def _text_drawer(items: Sequence[Any]) -> Drawer:
    size = note_size() - 1

    def draw(ax: Axes, item: Any) -> None:
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.set_box_aspect(_WIDE)
        n_characters = characters_across(ax, size)
        n_lines = max(1, int(_WIDE * n_characters / _LINE))
        lines = wrap(" ".join(str(item).split()), n_characters).split("\n")
        if len(lines) > n_lines:
            lines = [*lines[: n_lines - 1], shorten(lines[n_lines - 1] + " …", n_characters)]
        style: Any = {"ha": "center", "va": "center", "fontsize": size, "clip_on": True}
        ax.text(0.5, 0.5, "\n".join(lines), **style)

    return Drawer(draw, _WIDE)


_DRAWERS: dict[str, tuple[Callable[[Sequence[Any]], Drawer], tuple[int, ...]]] = {
    "image": (_image_drawer, (2, 3)),
    "spectrogram": (_spectrogram_drawer, (2,)),
    "waveform": (_waveform_drawer, (1,)),
    "text": (_text_drawer, ()),
}
