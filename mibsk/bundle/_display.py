"""How rows of a modality are shown to a person."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal, get_args

from .._checks.parameters import suggest
from ..data import InputSpec

_CHANNELS = (1, 3, 4)
_AXES = {"HW": 2, "HWC": 3, "CHW": 3}

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

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.bundle import Display
    >>> from mibsk.data import InputSpec
    >>> spec, _ = InputSpec.learn("image", np.full((2, 64, 64, 3), 255, np.uint8))
    >>> Display.of(spec)
    Display(kind='image', axes='HWC', low=0.0, high=255.0)
    """

    kind: Kind
    axes: str = ""
    low: float = 0.0
    high: float = 255.0

    @classmethod
    def of(cls, spec: InputSpec, values: tuple[float, float] | None = None) -> Display:
        """Return what the rows look like, judged by their kind, shape and pixels.

        Parameters
        ----------
        spec : InputSpec
            Input of the modality.
        values : pair of float, default=None
            Low and high values that are typical of the rows. They are black and white where the
            type of the pixels does not tell: of floats that are not in 0 to 1.

        Returns
        -------
        Display
        """
        if spec.kind in ("text", "labels"):
            return cls("text")
        if spec.kind == "dense" and spec.pixels:
            axes = _axes(spec.shape)
            if axes and spec.pixels in ("boolean", "unit"):
                return cls("image", axes, 0.0, 1.0)
            if axes and (spec.dtype == "uint8" or values is None):
                return cls("image", axes, 0.0, 255.0)
            if axes and values is not None:
                low, high = values
                return cls("image", axes, 0.0 if spec.pixels == "byte" else low, high)
        if spec.kind == "dense" and len(spec.shape) == 1 and spec.columns:
            return cls("table")
        return cls("none")

    def check(self, spec: InputSpec) -> None:
        """Raise unless rows of a modality can be shown in this way.

        Raises
        ------
        ValueError
            If a field has none of the values described, or the rows are of another kind or shape.
        """
        what = f"the display of modality {spec.name!r}"
        if self.kind not in (known := get_args(Kind)):
            raise ValueError(
                f"{what} must be one of {', '.join(known)}, got {self.kind!r}."
                + suggest(str(self.kind), known)
            )
        if self.kind == "text" and spec.kind not in ("text", "labels"):
            raise ValueError(f"{what} is text, but its rows are {spec.kind}, not strings.")
        if self.kind == "table" and (spec.kind != "dense" or len(spec.shape) != 1):
            raise ValueError(
                f"{what} is a table, but a row is {spec.kind} of shape {spec.shape}, not a vector."
            )
        if self.kind != "image":
            return
        if self.axes not in _AXES:
            raise ValueError(f"{what}: axes must be one of {', '.join(_AXES)}, got {self.axes!r}.")
        n_channels = {"HWC": spec.shape[-1:], "CHW": spec.shape[:1]}.get(self.axes, (1,))
        if (
            spec.kind != "dense"
            or len(spec.shape) != _AXES[self.axes]
            or n_channels[0] not in _CHANNELS
        ):
            raise ValueError(
                f"{what} is an image of axes {self.axes}, but a row is {spec.kind} of shape "
                f"{spec.shape}; an image has 1, 3 or 4 channels."
            )
        ends = self.low, self.high
        if not all(isinstance(each, int | float) and isfinite(each) for each in ends):
            raise ValueError(f"{what}: low and high must be numbers, got {ends}.")
        if self.low >= self.high:
            raise ValueError(f"{what}: low must be less than high, got {self.low} and {self.high}.")

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
