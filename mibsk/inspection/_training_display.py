"""How training went: the loss and its parts, divergence, temperature and gap over epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import pandas as pd

from ._estimators import as_aligner
from ._histories import mean_and_range, read_histories
from ._matplotlib import MAX_WIDTH, check_axes, figure_of, new_figure
from ._models import check_models
from ._style import (
    MODEL_COLORS,
    MUTED,
    NOTE_SIZE,
    LineEnd,
    clean,
    headline,
    label_line_ends,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOG_FACTOR = 5  # temperatures that span more are drawn on a logarithmic axis


class _Panel(NamedTuple):
    title: str
    note: str
    label: str


_PANELS = {
    "loss": _Panel("Loss and its parts", "loss = sufficiency + β × divergence (shaded)", "nats"),
    "divergence": _Panel("Divergence of pairs", "low: partners meet", "divergence"),
    "temperature": _Panel("Temperature", "of the contrastive loss", "temperature τ"),
    "modality_gap": _Panel(
        "Modality gap", "low: modalities lie in one place", "distance of the centres"
    ),
    "beta": _Panel("Weight of minimality", "0: the contrastive loss alone", "β"),
}


class TrainingDisplay:
    """Curves of training: loss and its parts, divergence of pairs, temperature, gap, beta.

    One line per model. In the first panel the line is the loss: what lies below the shaded part is
    sufficiency, the shaded part is minimality, the divergence times its weight `beta`. Of several
    runs of one model, the line is their mean and the band reaches from the lowest to the highest,
    over the epochs that all of them have. Dashed lines are of held-out pairs, where a history has
    them. It is best made with :meth:`from_estimator` or :meth:`from_histories`.

    Parameters
    ----------
    curves : DataFrame
        One row per model, run and epoch, with columns ``model``, ``run``, ``epoch``, ``loss``,
        ``sufficiency`` and ``minimality`` (which sum to the loss), ``divergence`` (the minimality
        term, unweighted), ``temperature``, ``modality_gap``, ``beta``, and ``valid_loss``,
        ``valid_divergence`` and ``valid_modality_gap``. The last five are NaN where unknown.

    Attributes
    ----------
    axes_ : ndarray of Axes (4,)
        Loss, divergence, temperature, modality gap; without the gap where none is known; and
        `beta`, where it changes in training.
    figure_ : Figure
        The figure they are in.

    Examples
    --------
    >>> from mibsk import IBAligner
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.inspection import TrainingDisplay
    >>> halves = load_digits_halves().data[:200]
    >>> aligner = IBAligner(max_epochs=2, random_state=0).fit(halves)
    >>> display = TrainingDisplay.from_estimator({"bottleneck": aligner})
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['nats', 'divergence', 'temperature τ', 'distance of the centres']
    """

    axes_: np.ndarray
    figure_: Figure

    def __init__(self, curves: pd.DataFrame) -> None:
        self.curves = curves

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Plot the history of fitted aligners.

        Parameters
        ----------
        estimator : IBAligner, Pipeline that ends with one, or mapping of str to those
            Fitted. In a mapping, a model may be a list of several, runs that differ by seed.
        names : mapping of str to str, default=None
            Model -> name to show; the key where it has none.
        axes : four Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TrainingDisplay

        Raises
        ------
        TypeError
            If an estimator is no aligner.
        ValueError
            If there are too many, or runs of one model have no epoch in common.
        """
        if not isinstance(estimator, Mapping):
            aligner = as_aligner(estimator)
            histories = {type(aligner).__name__: aligner.history_}
            return cls.from_histories(histories, names=names, axes=axes)
        check_models(estimator, "estimator")
        found = {}
        for key, model in estimator.items():
            runs = model if isinstance(model, list | tuple) else [model]
            found[key] = [as_aligner(run, f"estimator[{key!r}]").history_ for run in runs]
        return cls.from_histories(found, names=names, axes=axes)

    @classmethod
    def from_histories(
        cls,
        histories: Mapping[str, Sequence[Any]],
        *,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Collect the histories of trained models and plot them.

        Parameters
        ----------
        histories : mapping of str to list of dict, or to list of lists of dict
            Model -> `IBAligner.history_`, or several of them (runs that differ by seed). Every
            epoch needs the keys ``epoch``, ``train_sufficiency``, ``train_minimality``,
            ``train_divergence`` and ``temperature``. Where no history has ``train_modality_gap``,
            its panel is left out; that of `beta` is drawn where it changes.
        names : mapping of str to str, default=None
            Model -> name to show; the key where it has none.
        axes : four Axes, default=None
            Where to draw; None makes a figure. One per panel that is drawn.

        Returns
        -------
        TrainingDisplay

        Raises
        ------
        ValueError
            If a history is empty, lacks a key, holds a value that is not finite, or its epochs do
            not count upwards; or if runs of one model have no epoch in common.
        TypeError
            If `histories` is no mapping, or a history no list of dicts.
        """
        return cls(read_histories(histories, names)).plot(axes)

    def plot(self, axes: Iterable[Axes] | None = None) -> Self:
        """Draw one panel per quantity.

        Parameters
        ----------
        axes : four Axes, default=None
            Where to draw; None makes a figure. One per panel that is drawn.

        Returns
        -------
        self
        """
        known = [q for q in _PANELS if self.curves[q].notna().any()]
        quantities = [q for q in known if q != "beta" or _changes(self.curves, "beta")]
        if axes is None:
            n_columns = 2 if len(quantities) == 4 else 3
            height = 6.6 if len(quantities) >= 4 else 3.7
            figure, panels = new_figure(
                len(quantities), n_columns=n_columns, width=MAX_WIDTH, height=height
            )
            if note := self._note():
                figure.supxlabel(note, x=0.01, ha="left", fontsize=NOTE_SIZE, alpha=MUTED)
            named = [*panels[n_columns - 1 :: n_columns], panels[-1]]
        else:
            panels = check_axes(axes, quantities)
            named = panels[-1:]
        for ax, quantity in zip(panels, quantities, strict=True):
            self._draw(ax, quantity)
        for ax, quantity in zip(panels, quantities, strict=True):
            if ax in named:
                self._name_models(ax, quantity)
        self.axes_, self.figure_ = np.array(panels), figure_of(panels)
        return self

    def _draw(self, ax: Axes, quantity: str) -> None:
        from matplotlib.ticker import MaxNLocator

        for color, (_, runs) in zip(MODEL_COLORS, self._models(), strict=False):
            if quantity == "loss":
                _shade_minimality(ax, runs, color)
            _draw_lines(ax, runs, quantity, color)
            if f"valid_{quantity}" in runs:
                _draw_held_out(ax, runs, f"valid_{quantity}", color)
        panel = _PANELS[quantity]
        headline(ax, panel.title, panel.note)
        ax.set(xlabel="epoch", ylabel=panel.label)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        if quantity == "temperature" and _ratio(self.curves[quantity]) > _LOG_FACTOR:
            _use_log_axis(ax)
        else:  # 0 means something: parts of the whole, partners that meet, a hard maximum
            low, high = ax.get_ylim()
            low = 0.0 if self.curves[quantity].min() >= 0 else low
            ax.set_ylim(low, max(high + 0.05 * (high - low), 1e-3))
        clean(ax, grid="y")

    def _name_models(self, ax: Axes, quantity: str) -> None:
        """Write the models' names at the ends of the lines of a panel."""
        ax.set_ylim(ax.get_ylim())
        label_line_ends(
            ax,
            [
                LineEnd(table.index[-1], table["mean"].iloc[-1], model, color)
                for color, (model, runs) in zip(MODEL_COLORS, self._models(), strict=False)
                if not (table := mean_and_range(runs, quantity)).empty
            ],
        )

    def _models(self) -> list[tuple[str, pd.DataFrame]]:
        return [(str(model), runs) for model, runs in self.curves.groupby("model", sort=False)]

    def _note(self) -> str:
        """Say what bands and dashes are, where there are any."""
        notes = []
        n_runs = self.curves.groupby("model")["run"].nunique()
        if n_runs.max() > 1:
            counts = "–".join(str(n) for n in sorted({n_runs.min(), n_runs.max()}))
            notes.append(f"line and band: mean and range of {counts} runs")
        if self.curves.filter(like="valid_").notna().any(axis=None):
            notes.append("dashed: held-out pairs")
        return "; ".join(notes)


def _shade_minimality(ax: Axes, runs: pd.DataFrame, color: str) -> None:
    """Fill what minimality adds on top of sufficiency."""
    below, loss = (mean_and_range(runs, q)["mean"] for q in ("sufficiency", "loss"))
    ax.fill_between(
        below.index,
        below,
        loss,
        facecolor=color,
        alpha=0.3,
        linewidth=0,
        label=f"{runs['model'].iloc[0]}, minimality",
    )
    ax.plot(below.index, below, color=color, linewidth=0.9, label="sufficiency")


def _draw_lines(ax: Axes, runs: pd.DataFrame, quantity: str, color: str) -> None:
    table = mean_and_range(runs, quantity)
    if table.empty:
        return
    if runs["run"].nunique() > 1:
        ax.fill_between(
            table.index, table["min"], table["max"], color=color, alpha=0.18, linewidth=0
        )
    ax.plot(
        table.index,
        table["mean"],
        color=color,
        linewidth=2,
        marker="o",
        markersize=5,
        markevery=[len(table) - 1],
        label=str(runs["model"].iloc[0]),
    )


def _draw_held_out(ax: Axes, runs: pd.DataFrame, quantity: str, color: str) -> None:
    table = mean_and_range(runs.dropna(subset=quantity), quantity)
    if table.empty:
        return
    ax.plot(
        table.index,
        table["mean"],
        color=color,
        linewidth=1.4,
        linestyle=(0, (4, 2)),
        marker="o",
        markersize=3.5,
        markevery=[len(table) - 1],
        label=f"{runs['model'].iloc[0]}, held-out pairs",
    )


def _changes(curves: pd.DataFrame, quantity: str) -> bool:
    """Whether a quantity has more than one value in a run."""
    return bool((curves.groupby(["model", "run"])[quantity].nunique() > 1).any())


def _ratio(values: pd.Series[Any]) -> float:
    return float(values.max() / values.min()) if values.min() > 0 else 0.0


def _use_log_axis(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
