"""The picture of a diagnosis: held-out correlations and the learning curve."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ...inspection.drawing.figures import new_figure
from ...inspection.drawing.style import (
    DASHED,
    MODEL_COLORS,
    MUTED,
    clean,
    headline,
    ink,
    note_size,
    readable,
)
from .._pictures import Picture, in_both_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ._diagnosis import Diagnosis
    from ._numbers import Number

LINEAR, CHANCE, KERNEL = MODEL_COLORS[1], MODEL_COLORS[0], MODEL_COLORS[2]
CAPTION = (
    "Left: correlation of each direction on rows that did not determine it, with its interval; "
    "filled points hold up. Crosses are the rows that determined it, and the dashed line is the "
    "largest of 19 held-out correlations of shuffled partners. Right: how often the partner of a "
    "held-out row comes first, over the number of training rows, with the closed form and with "
    "features of a kernel beside it."
)


def draw(found: Diagnosis) -> tuple[list[Picture], str]:
    """Return the picture of a diagnosis, and a remark if there is none."""
    try:
        import matplotlib.pyplot as pyplot
    except ImportError:
        return [], "Without a picture: it needs matplotlib, pip install matplotlib."
    drawn = in_both_colours(lambda: SimpleNamespace(figure_=figure_of(found)), CAPTION, pyplot)
    return [drawn], ""


def figure_of(found: Diagnosis) -> Figure:
    """Return the picture of a diagnosis as a figure of matplotlib.

    Raises
    ------
    NotInstalledError
        If matplotlib is missing.
    """
    figure, (left, right) = new_figure(2, n_columns=2, width=9.6, height=3.9)
    _correlations(left, found)
    _curve(right, found)
    return figure


def _correlations(ax: Axes, found: Diagnosis) -> None:
    directions, kept = found.shared.directions, found.shared.n_directions
    color = readable(LINEAR)
    numbers = range(1, len(directions) + 1)
    ax.plot(
        numbers,
        [each.train for each in directions],
        linestyle="none",
        marker="x",
        markersize=5,
        color=ink(),
        alpha=MUTED,
        label="in training",
    )
    null = [
        (i, d.by_chance)
        for i, d in zip(numbers, directions, strict=True)
        if d.by_chance is not None
    ]
    if null:
        ax.plot(
            *zip(*null, strict=True), color=readable(CHANCE), linestyle=DASHED, label="by chance"
        )
    for i, each in zip(numbers, directions, strict=True):
        _interval(
            ax, i, each.correlation, color, filled=i <= kept, label="held out" if i == 1 else ""
        )
    ax.axhline(0, color=ink(), alpha=MUTED, linewidth=0.8)
    ax.set_xticks(numbers)
    ax.set_xlim(0.4, max(len(directions), 1) + 0.6)
    lowest = min((each.correlation.low for each in directions), default=0.0)
    ax.set_ylim(max(min(lowest - 0.05, -0.05), -1.0), 1.03)
    ax.set_xlabel("direction")
    ax.set_ylabel("correlation")
    clean(ax, grid="y")
    headline(ax, "What is shared", f"{kept} hold{'s' * (kept == 1)} up on held-out rows")
    ax.legend(frameon=False, fontsize=note_size(), loc="upper right")


def _curve(ax: Axes, found: Diagnosis) -> None:
    points = found.learning.points
    color, other = readable(LINEAR), readable(KERNEL)
    n = [each.n_train for each in points]
    ax.plot(n, [each.recall.value for each in points], color=color, linewidth=1.4)
    for i, each in enumerate(points):
        _interval(ax, each.n_train, each.recall, color, label="closed form" if not i else "")
    kernel = found.nonlinear.recall
    _interval(ax, n[-1] * 1.05, kernel, other, label="with a kernel", marker="s")
    ax.axhline(found.learning.chance, color=readable(CHANCE), linestyle=DASHED, label="by chance")
    ax.set_xscale("log", base=2)
    ax.set_xticks(n, [f"{each:,}" for each in n])
    ax.minorticks_off()
    ax.set_xlim(n[0] / 1.25, n[-1] * 1.3)
    highest = max([kernel.high, *(each.recall.high for each in points)])
    ax.set_ylim(0, min(1.15 * highest + 0.01, 1.03))
    ax.set_xlabel("training rows")
    ax.set_ylabel("recall@1 of held-out rows")
    clean(ax, grid="y")
    headline(
        ax, "How often the partner is found", f"among {found.learning.n_candidates:,} candidates"
    )
    ax.legend(frameon=False, fontsize=note_size(), loc="best")


def _interval(
    ax: Axes,
    x: float,
    value: Number,
    color: Any,
    *,
    filled: bool = True,
    label: str = "",
    marker: str = "o",
) -> None:
    ax.errorbar(
        [x],
        [value.value],
        yerr=[[max(value.value - value.low, 0.0)], [max(value.high - value.value, 0.0)]],
        color=color,
        marker=marker,
        markersize=6,
        markerfacecolor=color if filled else "none",
        linewidth=1.4,
        label=label or None,
    )
