"""Correlations of canonical directions, and the columns that carry them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from ._display import Display
from ._inputs.fitted_aligners import last_step
from .drawing.figures import MAX_WIDTH, new_figure
from .drawing.style import (
    CLOSED_FORM,
    MUTED,
    OTHER_METHOD,
    clean,
    headline,
    ink,
    label_size,
    text_on,
)
from .drawing.text import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LARGEST_GRID = 120  # cells that still have room for a number
_NAME_WIDTH = 23  # characters
_PANEL_COLUMNS = 3


class LoadingsDisplay(Display):
    """Correlations of canonical directions, and the columns of each modality that carry them.

    In the first panel, the correlation of each direction on held-out rows with its interval, and on
    the training rows (faint). In the others, the correlation of the columns of a modality with its
    variates, the columns with the largest ones first. Create it with :meth:`from_estimator`.

    Parameters
    ----------
    correlations : DataFrame
        Columns ``train``, ``held_out`` (or ``cross_fitted``), ``low``, ``high`` and ``kept``.
    loadings : mapping of str to DataFrame (n_columns, n_directions)
        Loadings of the columns of each modality.

    Attributes
    ----------
    axes_ : ndarray of Axes (1 + n_modalities,)
        Correlations, and loadings of each modality.
    figure_ : Figure
        The figure that contains them.

    Examples
    --------
    >>> from mibsk import CanonicalBottleneck
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.inspection import LoadingsDisplay
    >>> bottleneck = CanonicalBottleneck().fit(load_digits_halves().data)
    >>> display = LoadingsDisplay.from_estimator(bottleneck, n_directions=3, n_columns=5)
    >>> [ax.get_title(loc="left") for ax in display.axes_]
    ['Directions', 'left', 'right']
    """

    def __init__(self, correlations: pd.DataFrame, loadings: Mapping[str, pd.DataFrame]) -> None:
        self.correlations = correlations
        self.loadings = loadings

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        n_directions: int = 5,
        n_columns: int = 10,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Plot the directions of a fitted bottleneck.

        Parameters
        ----------
        estimator : CanonicalBottleneck, or Pipeline that ends with one
            Fitted.
        n_directions : int, default=5
            Largest number of directions whose loadings are plotted.
        n_columns : int, default=10
            Largest number of columns of each modality: those with the largest loadings.
        axes : Axes for each panel, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        LoadingsDisplay

        Raises
        ------
        TypeError
            If the estimator has no loadings.
        """
        fitted = last_step(estimator)
        if not hasattr(fitted, "loadings_"):
            raise TypeError(
                "estimator must be a fitted CanonicalBottleneck or a Pipeline that ends with one, "
                f"got {estimator!r:.80}."
            )
        chosen = {}
        for name, table in fitted.loadings_.items():
            table = table.iloc[:, :n_directions]
            largest = table.abs().max(axis=1).sort_values(ascending=False, kind="stable")
            chosen[name] = table.loc[largest.index[:n_columns]]
        return cls(fitted.correlations_, chosen).plot(axes)

    def _panel_names(self) -> tuple[str, ...]:
        return ("correlations", *self.loadings)

    def _new_panels(self) -> list[Axes]:
        n_panels = 1 + len(self.loadings)
        n_columns = min(n_panels, _PANEL_COLUMNS)
        rows = max((len(table) for table in self.loadings.values()), default=0)
        height = max(3.6, 1.4 + 0.28 * rows) * -(-n_panels // n_columns)
        return new_figure(n_panels, n_columns=n_columns, width=MAX_WIDTH, height=height)[1]

    def _draw(self, *, in_new_figure: bool) -> None:
        self._draw_correlations(self.axes_[0])
        for ax, (name, table) in zip(self.axes_[1:], self.loadings.items(), strict=True):
            _draw_loadings(ax, name, table)

    def _draw_correlations(self, ax: Axes) -> None:
        table, kept = self.correlations, self.correlations["kept"].to_numpy()
        measured = "held_out" if "held_out" in table else "cross_fitted"
        numbers = np.arange(1, len(table) + 1)
        ax.plot(numbers, table["train"], color=ink(), alpha=MUTED, linewidth=1.0, label="train")
        for chosen, color, label in (
            (kept, CLOSED_FORM, "kept"),
            (~kept, OTHER_METHOD, "not kept"),
        ):
            if not chosen.any():
                continue
            value = table[measured].to_numpy()[chosen]
            reach = [
                value - table["low"].to_numpy()[chosen],
                table["high"].to_numpy()[chosen] - value,
            ]
            ax.errorbar(
                numbers[chosen],
                value,
                np.maximum(reach, 0.0),
                fmt="o",
                markersize=4,
                color=color,
                elinewidth=1.2,
                label=label,
            )
        ax.axhline(0.0, color=ink(), linewidth=0.8, alpha=MUTED)
        ax.set(xlabel="direction", ylabel="correlation")
        ax.set_ylim(min(-0.1, ax.get_ylim()[0]), 1.05)
        ax.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
        clean(ax, grid="y")
        ax.legend(frameon=False, fontsize=label_size(), loc="upper right")
        headline(ax, "Directions", f"{measured.replace('_', '-')} correlation and interval")


def _draw_loadings(ax: Axes, name: str, table: pd.DataFrame) -> None:
    values = table.to_numpy()
    image = ax.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    labels = [shorten(str(label), _NAME_WIDTH) for label in table.index]
    ax.set_yticks(range(len(labels)), labels, fontsize=label_size())
    ax.set_xticks(range(values.shape[1]), [str(k + 1) for k in range(values.shape[1])])
    ax.tick_params(length=0)
    for side in ("top", "right", "bottom", "left"):
        ax.spines[side].set_visible(False)
    ax.set(xlabel="direction")
    if values.size <= _LARGEST_GRID:
        for (row, column), value in np.ndenumerate(values):
            color = text_on(image.cmap(image.norm(value)))
            text = f"{value:.1f}".replace("-0.0", "0.0")
            ax.text(column, row, text, ha="center", va="center", fontsize=label_size(), color=color)
    headline(ax, name, "correlation with the variates")
