"""Picture of recall@1 over the number of training rows."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from mibsk.inspection.drawing.style import (
    BOTTLENECK,
    CLOSED_FORM,
    CONTRASTIVE,
    OTHER_CONTRASTIVE,
    OTHER_METHOD,
    clean,
    label_size,
)

COLORS = {
    "CCA": OTHER_METHOD,
    "closed form": CLOSED_FORM,
    "linear InfoNCE": OTHER_CONTRASTIVE,
    "InfoNCE": CONTRASTIVE,
    "IBAligner()": BOTTLENECK,
}
N_COLUMNS = 4


def draw(measured: pd.DataFrame) -> Figure:
    """Draw one panel for each dataset, with the mean over the seeds and each seed as a point."""
    several = measured.groupby("set", sort=False)["rows"].nunique().gt(1)
    names = list(several[several].index)
    n_rows = -(-len(names) // N_COLUMNS)
    figure, axes = plt.subplots(
        n_rows, N_COLUMNS, figsize=(2.6 * N_COLUMNS, 2.3 * n_rows + 0.7), layout="constrained"
    )
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    for ax, name in zip(axes.flat, names, strict=False):
        part = measured[measured["set"] == name]
        for method, color in COLORS.items():
            own = part[part["method"] == method]
            if own.empty:
                continue
            by_rows = own.groupby("rows")[["n_train", "recall"]].mean().sort_values("n_train")
            width = 2.2 if method == "IBAligner()" else 1.2
            ax.plot(by_rows["n_train"], by_rows["recall"], color=color, lw=width, label=method)
            ax.plot(own["n_train"], own["recall"], ".", color=color, ms=3)
        ax.set(xscale="log", ylim=(0, None))
        ax.set_title(name, loc="left", fontsize=label_size(), fontweight="bold")
        ax.set_xticks([100, 1000], ["100", "1,000"])
        ax.minorticks_off()
        clean(ax, grid="y")
    figure.supxlabel("training rows", fontsize=label_size())
    figure.supylabel("recall@1 of held-out rows", fontsize=label_size())
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    return figure
