"""Picture of recall@1 over the number of training rows."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from PIL import Image

COLORS = {
    "CCA": "#999999",
    "closed form": "#e69f00",
    "linear InfoNCE": "#56b4e9",
    "InfoNCE": "#0072b2",
    "IBAligner()": "#d55e00",
}
N_COLUMNS = 5


def draw(measured: pd.DataFrame, path: Path) -> None:
    """Draw one panel for each dataset, with the mean over the seeds and each seed as a point."""
    several = measured.groupby("set", sort=False)["rows"].nunique().gt(1)
    names = list(several[several].index)
    n_rows = -(-len(names) // N_COLUMNS)
    figure, axes = plt.subplots(
        n_rows, N_COLUMNS, figsize=(2.6 * N_COLUMNS, 2.4 * n_rows), layout="constrained"
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
        ax.set(xscale="log", title=name, ylim=(0, None))
        ax.set_xticks([100, 1000], ["100", "1,000"])
        ax.minorticks_off()
    figure.supxlabel("training rows")
    figure.supylabel("recall@1 of held-out rows")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    Image.open(path).convert("RGB").save(path, optimize=True)
