"""Recall@10 of each method, with its intervals."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd

from mibsk.inspection.drawing.figures import new_figure
from mibsk.inspection.drawing.style import MODEL_COLORS, clean, title_size

from ..images import save
from ..intervals import over_seeds
from .retrieval_claims import MEASURE, of_direction

DIRECTIONS = ("image to text", "text to image")


def draw(table: pd.DataFrame, file: Path) -> None:
    """Draw the mean of each method, its interval, and the splits as points, in both directions."""
    methods = list(table["method"].unique())
    figure, axes = new_figure(2, n_columns=2, width=9.6, height=1.2 + 0.35 * len(methods))
    places = np.arange(len(methods))
    for ax, direction, color in zip(axes, DIRECTIONS, MODEL_COLORS[3:], strict=False):
        for place, method in zip(places, methods, strict=True):
            values = of_direction(table, method, direction)
            interval = over_seeds(values)
            ax.plot(values, np.full(len(values), place), ".", color=color, alpha=0.5)
            ends = [max(interval.low, 0.0), min(interval.high, 1.0)]
            ax.plot(ends, [place, place], color=color)
            ax.plot(interval.value, place, "o", color=color)
        ax.set_title(direction, fontsize=title_size(), loc="left")
        ax.set_xlabel(MEASURE)
        ax.set_yticks(places, methods if ax is axes[0] else [""] * len(methods))
        ax.set_ylim(len(methods) - 0.5, -0.5)
        clean(ax, grid="x")
    save(figure, file)
