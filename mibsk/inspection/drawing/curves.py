"""Lines over an x axis: means with bands, and names at the ends of lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.isotonic import isotonic_regression

from .style import label_size, readable
from .text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_mean(ax: Axes, table: pd.DataFrame, color: str, label: str, **style: Any) -> None:
    """Draw the column ``mean`` of a table over its index."""
    look: dict[str, Any] = {"linewidth": 2, "marker": "o", "markersize": 5} | style
    ax.plot(table.index, table["mean"], color=color, label=label, **look)


def draw_range(ax: Axes, table: pd.DataFrame, color: str) -> None:
    """Draw a band from the column ``min`` of a table to its column ``max``."""
    ax.fill_between(table.index, table["min"], table["max"], color=color, alpha=0.18, linewidth=0)


class LineEnd(NamedTuple):
    """The last point of a line in data coordinates, its name and its colour."""

    x: float
    y: float
    text: str
    color: str


def label_line_ends(ax: Axes, ends: Sequence[LineEnd]) -> None:
    """Write names to the right of the axes, as close to the ends of their lines as they fit.

    Call it once the limits of the axes are final.
    """
    texts = [wrap(end.text, 18) for end in ends]
    to_axes = ax.transData + ax.transAxes.inverted()
    heights = to_axes.transform([(end.x, end.y) for end in ends])[:, 1]
    axes_points = 72 * ax.get_window_extent().height / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
    n_lines = max(text.count("\n") + 1 for text in texts)
    gap = (1.25 * n_lines * label_size() + 2) / axes_points
    for end, text, height in zip(ends, texts, spread(heights, gap), strict=True):
        ax.annotate(
            text,
            (end.x, end.y),
            xytext=(1.04, height),
            textcoords="axes fraction",
            va="center",
            fontsize=label_size(),
            fontweight="bold",
            color=readable(end.color),
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": end.color,
                "alpha": 0.5,
                "linewidth": 0.8,
                "shrinkA": 1,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )


def spread(positions: np.ndarray, gap: float) -> np.ndarray:
    r"""Move positions in [0, 1] as little as possible until neighbours are `gap` apart.

    .. math:: \min_q \sum_i (q_i - p_i)^2, \quad q_{i+1} - q_i \ge g

    for sorted :math:`p` (n,), which is isotonic regression of :math:`p_i - i g`. A gap too wide for
    all positions to stay within [0, 1] is narrowed.

    Examples
    --------
    >>> spread(np.array([0.5, 0.5, 0.9]), 0.2)
    array([0.4, 0.6, 0.9])
    """
    n = len(positions)
    gap = min(gap, 1 / max(n - 1, 1))
    order = np.argsort(positions, kind="stable")
    steps = gap * np.arange(n)
    moved = isotonic_regression(positions[order] - steps, y_min=0.0, y_max=1 - steps[-1])
    result = np.empty(n)
    result[order] = moved + steps
    return result
