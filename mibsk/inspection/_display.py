"""The part that all Displays share: `plot`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .drawing.figures import check_axes, figure_of, import_pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Display(ABC):
    """Base class: a subclass names its panels, makes a figure for them, and draws on them."""

    axes_: np.ndarray
    figure_: Figure

    def plot(self, axes: Axes | Iterable[Axes] | None = None) -> Self:
        """Draw all panels.

        Parameters
        ----------
        axes : Axes or iterable of Axes, default=None
            Where to draw: one Axes per panel, in the order of `axes_`. None makes a figure.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If `axes` are not matplotlib Axes, or their number is wrong.
        """
        import_pyplot()  # without matplotlib, an error that names the command to install it
        names = np.array(self._panel_names())
        panels = self._new_panels() if axes is None else check_axes(axes, names.ravel().tolist())
        self.axes_ = np.array(panels, dtype=object).reshape(names.shape)
        self.figure_ = figure_of(panels[0])
        self._draw(in_new_figure=axes is None)
        return self

    @abstractmethod
    def _panel_names(self) -> Sequence[Any]:
        """Return the names of the panels, nested as `axes_` is."""

    @abstractmethod
    def _new_panels(self) -> list[Axes]:
        """Make a figure and return its panels, row by row."""

    @abstractmethod
    def _draw(self, *, in_new_figure: bool) -> None:
        """Draw on `axes_`, which are those of `_new_panels` or were passed by the caller."""
