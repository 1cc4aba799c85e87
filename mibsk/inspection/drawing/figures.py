"""Matplotlib, imported only when it is needed, and the figures and axes that Displays draw on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._checks.packages import not_installed
from .style import MUTED, note_size, title_size

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_WIDTH = 10.8  # inches
DPI = 110
_LETTER = 0.58  # width of a letter, over its size


def import_pyplot() -> ModuleType:
    """Return `matplotlib.pyplot`; without it raise `NotInstalledError` naming the command."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise not_installed("for Displays", "matplotlib") from error
    return plt


def new_figure(
    n_panels: int,
    *,
    n_columns: int,
    width: float,
    height: float,
    layout: str = "constrained",
    width_ratios: Sequence[float] | None = None,
    height_ratios: Sequence[float] | None = None,
    padding: tuple[float, float] = (0.13, 0.08),
) -> tuple[Figure, list[Axes]]:
    """Return a figure at most 1200 pixels wide, and its first `n_panels` axes.

    If the user has set ``rcParams["figure.figsize"]``, it is the size of a figure of one panel, and
    the width of one of several, which keeps its proportions; ``figure.dpi`` replaces that of the
    Displays if it was set.

    `width`, `height` and `padding` (horizontal, vertical) are in inches; `layout`,
    `width_ratios` and `height_ratios` are passed to `matplotlib.pyplot.subplots`.
    """
    wanted, dpi = _set_by_user("figure.figsize"), _set_by_user("figure.dpi")
    width = min(width, MAX_WIDTH)
    if wanted is not None:
        width, height = wanted[0], wanted[1] if n_panels == 1 else height * wanted[0] / width
    figure, grid = import_pyplot().subplots(
        -(-n_panels // n_columns),
        n_columns,
        squeeze=False,
        figsize=(width, height),
        dpi=DPI if dpi is None else dpi,
        layout=layout,
        width_ratios=width_ratios,
        height_ratios=height_ratios,
    )
    figure.get_layout_engine().set(w_pad=padding[0], h_pad=padding[1])
    for unused in grid.flat[n_panels:]:
        unused.remove()
    return figure, list(grid.flat[:n_panels])


def _set_by_user(key: Any) -> Any:
    """Return a parameter of matplotlib if it is not the default of matplotlib, otherwise None."""
    from matplotlib import rcParams, rcParamsDefault

    return None if rcParams[key] == rcParamsDefault[key] else rcParams[key]


def figure_of(ax: Axes) -> Figure:
    """Return the whole figure that contains the axes."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("axes must be in a figure, these were removed from theirs.")
    return figure


def check_axes(axes: Axes | Iterable[Axes], panels: Sequence[str]) -> list[Axes]:
    """Return the axes as a list, checked to be one for each panel."""
    expected = import_pyplot().Axes
    found = list(np.ravel(np.asarray(axes, dtype=object)))
    for ax in found:
        if not isinstance(ax, expected):
            raise TypeError(
                f"axes must be matplotlib Axes, got {type(ax).__name__}: pass those that "
                "plt.subplots returns."
            )
    if len(found) != len(panels):
        raise ValueError(
            f"axes must hold one Axes per panel, {len(panels)} for {panels}, got {len(found)}: "
            f"make them with plt.subplots(1, {len(panels)})."
        )
    return found


def title_figure(figure: Figure, title: str) -> None:
    """Write a title at the top left of a figure."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=title_size(), fontweight="bold")


def note_figure(figure: Figure, note: str, **style: Any) -> None:
    """Write a note at the bottom left of a figure."""
    figure.supxlabel(note, x=0.01, ha="left", fontsize=note_size(), alpha=MUTED, **style)


def legend_columns(figure: Figure, handles: Sequence[Artist]) -> int:
    """Return how many entries of a legend fit side by side below the axes of a figure."""
    widths = [_LETTER * note_size() * (8 + len(str(handle.get_label()))) for handle in handles]
    points = 72 * figure.get_figwidth()
    return len(widths) if sum(widths) < points else max(1, int(points / max(widths)))


def legend_below(figure: Figure, handles: Sequence[Artist], n_columns: int, **style: Any) -> None:
    """Draw a legend below the axes of a figure."""
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=n_columns,
        frameon=False,
        fontsize=note_size(),
        **style,
    )
