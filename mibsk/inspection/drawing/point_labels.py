"""Names of points in a plane, placed where they hide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .figures import figure_of
from .style import note_size, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_DISTANCE = 10  # of a name from its point, in points
_CLEARANCE = 5  # of a name from other points and lines, in points
_APART = 26  # between points that are both named, in points
_DIRECTIONS = [(1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1)]


class PointLabel(NamedTuple):
    """A point in data coordinates, its name, and the lengths of its error bars."""

    x: float
    y: float
    text: str
    color: str
    x_error: float = 0.0
    y_error: float = 0.0


def label_points(
    ax: Axes, lines: Sequence[Sequence[PointLabel]], others: Sequence[tuple[float, float]]
) -> None:
    """Write the names of points beside them: ends of lines first, others only where there is room.

    There is room where no line and none of the `others`, points in data coordinates, is. Call it
    once the limits of the axes are final; it lays out the figure.
    """
    figure = figure_of(ax)
    figure.draw_without_rendering()
    scale = figure.dpi / 72  # pixels per point
    crowd = np.concatenate([ax.transData.transform(others), *(_along(ax, line) for line in lines)])
    taken: list[Bbox] = []
    for is_end, label in _ends_first(ax, lines, scale):
        options = [_place(ax, label, direction) for direction in _DIRECTIONS]
        boxes = [option.get_window_extent().padded(scale) for option in options]
        costs = [_cost(ax, box, crowd, _CLEARANCE * scale, taken) for box in boxes]
        best = int(np.argmin(costs))
        keep = is_end or costs[best] == 0
        for i, option in enumerate(options):
            if i != best or not keep:
                option.remove()
        if keep:
            taken.append(boxes[best])


def _ends_first(
    ax: Axes, lines: Sequence[Sequence[PointLabel]], scale: float
) -> list[tuple[bool, PointLabel]]:
    """Return pairs (is an end, label): the ends of all lines, then points far enough from others.

    A line that is too short for two names gets one, from first to last.
    """
    ends, between = [], []
    for line in lines:
        places = ax.transData.transform([(label.x, label.y) for label in line]) / scale
        if np.ptp(places, axis=0).max() < _APART / 2:
            text = " … ".join(dict.fromkeys([line[0].text, line[-1].text]))
            ends.append(line[0]._replace(text=text))
            continue
        ends += [line[0], line[-1]]
        named = places[[0, -1]]
        for label, place in zip(line[1:-1], places[1:-1], strict=True):
            if np.linalg.norm(named - place, axis=1).min() >= _APART:
                between.append(label)
                named = np.vstack([named, place])
    return [(True, label) for label in ends] + [(False, label) for label in between]


def _along(ax: Axes, line: Sequence[PointLabel]) -> np.ndarray:
    """Return pixels along a line and its error bars, including its points, (n, 2)."""
    points = [(label.x, label.y) for label in line]
    strokes = list(pairwise(points))
    for x, y, _, _, dx, dy in line:
        strokes += [((x - dx, y), (x + dx, y)), ((x, y - dy), (x, y + dy))]
    drawn = [np.empty((0, 2))]
    for ends in strokes:
        a, b = ax.transData.transform(ends)
        drawn.append(np.linspace(a, b, max(2, int(np.hypot(*(b - a)) / 4))))
    return np.concatenate(drawn)


def _place(ax: Axes, label: PointLabel, direction: tuple[int, int]) -> Annotation:
    x, y = direction
    length = _DISTANCE / np.hypot(x, y)
    return ax.annotate(
        label.text,
        (label.x, label.y),
        xytext=(length * x, length * y),
        textcoords="offset points",
        ha=("center", "left", "right")[x],
        va=("center", "bottom", "top")[y],
        fontsize=note_size(),
        color=readable(label.color),
        fontweight="bold",
        annotation_clip=False,
        zorder=5,
    )


def _cost(ax: Axes, box: Bbox, crowd: np.ndarray, clearance: float, taken: Sequence[Bbox]) -> float:
    """Return how much a box hides: other names cost most, then points and lines; 0 is free."""
    wide = box.padded(clearance)
    hidden = ((crowd > wide.min) & (crowd < wide.max)).all(axis=1).sum()
    frame = ax.get_window_extent()
    outside = not (frame.contains(box.x0, box.y0) and frame.contains(box.x1, box.y1))
    return float(hidden) + 1000.0 * (outside + sum(box.overlaps(other) for other in taken))
