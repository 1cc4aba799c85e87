"""Matplotlib, imported when it is needed, and the axes that a Display draws on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from ..exceptions import NotInstalledError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_WIDTH = 10.8  # inches
DPI = 110


def import_pyplot() -> ModuleType:
    """Return `matplotlib.pyplot`; without it raise `NotInstalledError` naming the command."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise NotInstalledError(
            "matplotlib is needed for Displays: pip install 'mibsk[plot]'."
        ) from error
    return plt


def new_figure(
    n_panels: int,
    *,
    n_columns: int,
    width: float,
    height: float,
    layout: str = "constrained",
    width_ratios: Sequence[float] | None = None,
    padding: tuple[float, float] = (0.13, 0.08),
) -> tuple[Figure, list[Axes]]:
    """Return a figure of at most 1200 pixels in width, and its first `n_panels` axes."""
    figure, grid = import_pyplot().subplots(
        -(-n_panels // n_columns),
        n_columns,
        squeeze=False,
        figsize=(min(width, MAX_WIDTH), height),
        dpi=DPI,
        layout=layout,
        width_ratios=width_ratios,
    )
    figure.get_layout_engine().set(w_pad=padding[0], h_pad=padding[1])
    for unused in grid.flat[n_panels:]:
        unused.remove()
    return figure, list(grid.flat[:n_panels])


def figure_of(panels: Sequence[Axes]) -> Figure:
    """Return the whole figure that the panels are in."""
    figure = panels[0].get_figure(root=True)
    if figure is None:
        raise ValueError("axes must be in a figure, these were removed from theirs")
    return figure


def check_axes(axes: Axes | Iterable[Axes], panels: Iterable[str]) -> list[Axes]:
    """Return the axes as a list, one for each panel.

    Raises
    ------
    TypeError
        If they are no Axes.
    ValueError
        If there are more or fewer than panels.
    """
    expected = import_pyplot().Axes
    found, panels = list(np.ravel(np.asarray(axes, dtype=object))), list(panels)
    if strangers := [ax for ax in found if not isinstance(ax, expected)]:
        raise TypeError(
            f"axes must be matplotlib Axes, got {type(strangers[0]).__name__}: pass those that "
            "plt.subplots returns"
        )
    if len(found) != len(panels):
        raise ValueError(
            f"axes must hold one Axes per panel, {len(panels)} for {panels}, got {len(found)}: "
            f"make them with plt.subplots(1, {len(panels)})"
        )
    return found
