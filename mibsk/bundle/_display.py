"""How rows of a modality are shown to a person."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..data import InputSpec

_CHANNELS = (1, 3, 4)

Kind = Literal["image", "audio", "text", "table", "none"]


@dataclass(frozen=True)
class Display:
    """How rows of a modality are shown.

    Parameters
    ----------
    kind : {"image", "audio", "text", "table", "none"}
        Pixels; recordings, which an index contains beside the rows; strings; values with the names
        of their columns; or not at all.
    axes : str
        Order of the axes of an image, "HW", "HWC" or "CHW"; "" of other kinds.
    low, high : float
        Values of an image that are shown black and white.
    """

    kind: Kind
    axes: str = ""
    low: float = 0.0
    high: float = 255.0

    @classmethod
    def of(cls, spec: InputSpec) -> Display:
        """Return what the rows look like, judged by their kind, shape and pixels."""
        if spec.kind in ("text", "labels"):
            return cls("text")
        if spec.kind == "dense" and spec.pixels:
            axes = _axes(spec.shape)
            if axes:
                byte = spec.dtype == "uint8" and spec.pixels != "boolean"
                return cls("image", axes, 0.0, 255.0 if byte else 1.0)
        if spec.kind == "dense" and len(spec.shape) == 1 and spec.columns:
            return cls("table")
        return cls("none")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def _axes(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return "HW"
    if len(shape) == 3 and shape[2] in _CHANNELS:
        return "HWC"
    if len(shape) == 3 and shape[0] in _CHANNELS:
        return "CHW"
    return ""
