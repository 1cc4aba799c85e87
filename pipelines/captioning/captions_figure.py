"""Figures of captions: measures of each variant, and pictures with their captions."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mibsk.inspection.drawing.figures import new_figure
from mibsk.inspection.drawing.style import MODEL_COLORS, clean, ink, note_size, title_size

from ..intervals import over_seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {
    "cider_d": "CIDEr-D",
    "bleu_4": "BLEU@4",
    "scene": "captions right in every part",
    "picture_to_text_recall_at_1": "recall@1, picture to text",
    "text_to_picture_recall_at_1": "recall@1, text to picture",
    "cka_best": "CKA, best query",
    "cka_first": "CKA, query 0",
    "cka_mean": "CKA, mean of the queries",
    "early_loss": "loss of captions, first third",
    "arithmetic_recall_at_1": "recall@1, picture - word + word",
}
SYSTEMS = ("captioner", "nearest picture")
N_COLUMNS = 4
WRAP = 27  # characters of a line of a caption


def variants_figure(measures: pd.DataFrame, scores: pd.DataFrame) -> Figure:
    """Draw each measure of each variant: the seeds as points, the mean with its interval."""
    chosen = (scores["references"] == "all") & (scores["captions"] == "given")
    own = scores[chosen & (scores["system"] == "captioner")].drop(columns=["captions"])
    table = measures.merge(own, on=["variant", "seed"])
    panels = [name for name in PANELS if name in table]
    variants = list(table["variant"].unique())
    n_rows = -(-len(panels) // N_COLUMNS)
    height = n_rows * (0.9 + 0.24 * len(variants))
    figure, axes = new_figure(len(panels), n_columns=N_COLUMNS, width=11, height=height)
    for i, (ax, name) in enumerate(zip(axes, panels, strict=True)):
        for place, variant in enumerate(variants):
            _draw(ax, table.loc[table["variant"] == variant, name].to_numpy(), place)
        ax.set_title(PANELS[name], fontsize=title_size(), loc="left")
        ax.set_yticks(range(len(variants)), variants if i % N_COLUMNS == 0 else [])
        ax.set_ylim(len(variants) - 0.5, -0.5)
        clean(ax, grid="x")
    return figure


def _draw(ax: Axes, values: NDArray[np.float64], place: int) -> None:
    color, found = MODEL_COLORS[3], over_seeds(values)
    ax.plot(values, np.full(len(values), place), ".", color=color, alpha=0.5)
    if np.isfinite(found.low):
        ax.plot([found.low, found.high], [place, place], color=color, alpha=0.6)
    ax.plot(found.value, place, "o", color=color)


def captions_figure(
    images: Sequence[Any],
    captions: Mapping[str, Sequence[str]],
    references: Sequence[Sequence[str]],
) -> Figure:
    """Draw pictures with the a caption by a person, one by the captioner, and one by retrieval."""
    n_rows = -(-len(images) // N_COLUMNS)
    figure, axes = new_figure(len(images), n_columns=N_COLUMNS, width=11, height=3.3 * n_rows)
    for i, (ax, image) in enumerate(zip(axes, images, strict=True)):
        ax.imshow(image)
        ax.set_axis_off()
        lines = {"person": references[i][0], **{name: captions[name][i] for name in SYSTEMS}}
        text = "\n".join(
            textwrap.fill(f"{name}: {caption}", WRAP, subsequent_indent="   ")
            for name, caption in lines.items()
        )
        ax.set_title(text, fontsize=note_size(), loc="left", color=ink(), y=-0.03, va="top")
    return figure
