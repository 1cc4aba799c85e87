"""Figures of the paper's experiments, in the style of the Displays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mibsk.inspection.drawing.figures import new_figure
from mibsk.inspection.drawing.style import (
    BOTTLENECK,
    FAINT,
    MODEL_COLORS,
    clean,
    ink,
    label_size,
    note_size,
    paper,
    title_size,
)

from ..intervals import over_seeds
from .tables import ALIGNMENT, per_seed, per_split

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Tables = Mapping[str, pd.DataFrame]
"""Dataset -> table of an experiment."""

COLORS = dict(zip(("sprites", "room", "arm"), MODEL_COLORS[3:], strict=True))
MARKERS = {"sprites": "o", "room": "^", "arm": "s"}
FORMS = {
    ("gaussian", "learned"): ("gaussian, learned τ", BOTTLENECK, "o", "-"),
    ("gaussian", "fixed"): ("gaussian, fixed τ", BOTTLENECK, "o", ":"),
    ("variational", "learned"): ("variational, learned τ", MODEL_COLORS[3], "^", "-"),
    ("variational", "fixed"): ("variational, fixed τ", MODEL_COLORS[3], "^", ":"),
}
SHARES = {"leakage": "leaked: hidden factor", "kept": "kept: other factors"}
MEASURES = {
    "cka": "CKA",
    "mutual_knn": "mutual k-NN",
    "nuisance_ratio": "nuisance known",
    "shared_ratio": "shared known",
    "recall_image_to_factors": "recall@1",
    "temperature": "temperature",
}


def nuisance_figure(tables: Tables) -> Figure:
    """Draw how much of hidden factors leaks, and how much of the others is kept, for each knob."""
    knobs = list(next(iter(tables.values()))["knob"].unique())
    figure, axes = new_figure(2 * len(knobs), n_columns=len(knobs), width=10.8, height=5.4)
    for row, (measure, title) in enumerate(SHARES.items()):
        for column, knob in enumerate(knobs):
            ax = axes[row * len(knobs) + column]
            for i, (name, table) in enumerate(tables.items()):
                seeds = per_seed(table).loc[knob, measure]
                intervals = [over_seeds(values) for _, values in seeds.groupby("level", sort=False)]
                levels = list(seeds.index.unique("level"))
                at = np.arange(len(levels)) + 0.16 * (i - 1)
                _draw(ax, at, intervals, COLORS[name], MARKERS[name], label=name, linestyle="")
            ax.set_xticks(range(len(levels)), levels)
            ax.set_xlim(-0.5, len(levels) - 0.5)
            ax.set_ylim(0, max(0.2, ax.get_ylim()[1]))
            clean(ax, grid="y")
            ax.set_ylabel(title if column == 0 else "", fontsize=label_size())
            if row == 0:
                ax.set_title(knob, loc="left", fontsize=title_size(), fontweight="bold")
    _key(figure, axes[0])
    return figure


def misalignment_figure(tables: Tables) -> Figure:
    """Draw alignment against nuisance information, one point per split."""
    figure, axes = new_figure(2 * len(tables), n_columns=len(tables), width=10.8, height=6.6)
    for row, (measure, title) in enumerate(ALIGNMENT.items()):
        for column, (name, table) in enumerate(tables.items()):
            ax, splits = axes[row * len(tables) + column], per_split(table)
            points = ax.scatter(
                splits["nuisance_information"],
                splits[measure],
                c=splits["nuisance_entropy"],
                cmap="viridis",
                s=26,
                edgecolor=paper(),
                linewidth=0.6,
            )
            clean(ax, grid="y")
            ax.set_xlabel("nuisance information, nats")
            ax.set_ylabel(title)
            bar = figure.colorbar(points, ax=ax, pad=0.02)
            bar.outline.set_visible(False)
            bar.ax.tick_params(length=0, labelsize=note_size())
            bar.set_label("entropy of the hidden factors, nats", fontsize=note_size())
            ax.set_title(f"{name}: {title}", loc="left", fontsize=title_size(), fontweight="bold")
    return figure


def regulariser_figure(tables: Tables) -> Figure:
    """Draw all measures over beta, one line per minimality and kind of temperature."""
    figure, axes = new_figure(
        len(MEASURES) * len(tables), n_columns=len(tables), width=10.8, height=2.1 * len(MEASURES)
    )
    for column, (name, table) in enumerate(tables.items()):
        for row, (measure, title) in enumerate(MEASURES.items()):
            ax = axes[row * len(tables) + column]
            _over_beta(ax, table, measure)
            clean(ax, grid="y")
            if row == 0:
                ax.set_title(name, loc="left", fontsize=title_size(), fontweight="bold")
            if row == len(MEASURES) - 1:
                ax.set_xlabel("β")
            ax.set_ylabel(title if column == 0 else "", fontsize=label_size())
    _key(figure, axes[0])
    return figure


def _over_beta(ax: Axes, table: pd.DataFrame, measure: str) -> None:
    betas = sorted(table["beta"].unique())
    at = np.arange(len(betas))
    for (form, kind), (name, color, marker, linestyle) in FORMS.items():
        runs = table[(table["minimality"] == form) & (table["temperature_kind"] == kind)]
        intervals = [over_seeds(values) for _, values in runs.groupby("beta")[measure]]
        _draw(ax, at, intervals, color, marker, label=name, linestyle=linestyle)
    ax.set_xticks(at, [f"{beta:g}" for beta in betas])


def _draw(
    ax: Axes, at: np.ndarray, intervals: list[Any], color: str, marker: str, **style: Any
) -> None:
    """Draw means with their intervals."""
    values = np.array([interval.value for interval in intervals])
    finite = [interval for interval in intervals if np.isfinite(interval.low)]
    if len(finite) == len(intervals):
        low, high = ([getattr(i, end) for i in intervals] for end in ("low", "high"))
        ax.vlines(at, low, high, color=color, alpha=FAINT + 0.15, linewidth=1.6)
    ax.plot(at, values, color=color, marker=marker, markersize=5.5, linewidth=1.4, **style)
    ax.lines[-1].set_markeredgecolor(paper())


def _key(figure: Figure, ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=label_size(),
        labelcolor=ink(),
    )
