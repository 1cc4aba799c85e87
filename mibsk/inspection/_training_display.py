"""How training went: sufficiency, divergence and temperature over epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import pandas as pd

from ._matplotlib import MAX_WIDTH, check_axes, figure_of, new_figure
from ._models import check_models, shown_names
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

_COLUMNS = {  # key of an epoch -> column; those of held-out pairs may be absent
    "epoch": "epoch",
    "train_sufficiency": "sufficiency",
    "train_divergence": "divergence",
    "temperature": "temperature",
    "valid_sufficiency": "valid_sufficiency",
    "valid_divergence": "valid_divergence",
}
_REQUIRED = [key for key in _COLUMNS if not key.startswith("valid_")]
_LOG_FACTOR = 5  # temperatures that span more are drawn on a logarithmic axis


class _Panel(NamedTuple):
    title: str
    note: str
    label: str


_PANELS = {
    "sufficiency": _Panel("Sufficiency", "low: what is shared is kept", "InfoNCE (nats)"),
    "divergence": _Panel("Divergence of pairs", "low: partners meet", "divergence"),
    "temperature": _Panel("Temperature", "of the contrastive loss", "temperature τ"),
}


class TrainingDisplay:
    """Curves of training: sufficiency, divergence of pairs and temperature over epochs.

    One line per model. Of several runs of one model, the line is their mean and the band reaches
    from the lowest to the highest, over the epochs that all of them have. Dashed lines are of
    held-out pairs, where a history has them. It is best made with :meth:`from_histories`.

    Parameters
    ----------
    curves : DataFrame
        One row per model, run and epoch, with columns ``model``, ``run``, ``epoch``,
        ``sufficiency`` (nats), ``divergence`` (the minimality term, unweighted), ``temperature``,
        ``valid_sufficiency`` and ``valid_divergence`` (NaN where nothing was held out).

    Attributes
    ----------
    axes_ : ndarray of Axes (3,)
        Sufficiency, divergence, temperature.
    figure_ : Figure
        The figure they are in.

    Examples
    --------
    >>> from mibsk.inspection import TrainingDisplay
    >>> epoch = {"train_sufficiency": 4.1, "train_divergence": 0.7, "temperature": 0.07}
    >>> history = [{"epoch": 1, **epoch}, {"epoch": 2, **epoch, "train_divergence": 0.5}]
    >>> display = TrainingDisplay.from_histories({"ib": history}, names={"ib": "IB"})
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['InfoNCE (nats)', 'divergence', 'temperature τ']
    """

    axes_: np.ndarray
    figure_: Figure

    def __init__(self, curves: pd.DataFrame) -> None:
        self.curves = curves

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
            epoch needs the keys ``epoch``, ``train_sufficiency``, ``train_divergence`` and
            ``temperature``.
        names : mapping of str to str, default=None
            Model -> name to show; the key where it has none.
        axes : three Axes, default=None
            Where to draw; None makes a figure.

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
        check_models(histories, "histories")
        shown = shown_names(histories, names)
        tables = [
            _read_history(history, f"histories[{key!r}]").assign(model=shown[key], run=run)
            for key in histories
            for run, history in enumerate(_runs(histories[key], f"histories[{key!r}]"))
        ]
        curves = pd.concat(tables, ignore_index=True)
        for model, runs in curves.groupby("model"):
            if _mean_and_range(runs, "epoch").empty:
                raise ValueError(
                    f"the runs of {model!r} have no epoch in common: count from 1 in all"
                )
        return cls(curves[["model", "run", *_COLUMNS.values()]]).plot(axes)

    def plot(self, axes: Iterable[Axes] | None = None) -> Self:
        """Draw the three panels.

        Parameters
        ----------
        axes : three Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self
        """
        if axes is None:
            figure, panels = new_figure(3, n_columns=3, width=MAX_WIDTH, height=3.7)
            if note := self._note():
                figure.supxlabel(note, x=0.01, ha="left", fontsize=NOTE_SIZE, alpha=MUTED)
        else:
            panels = check_axes(axes, _PANELS)
        for ax, quantity in zip(panels, _PANELS, strict=True):
            self._draw(ax, quantity)
        self._name_models(panels[-1])
        self.axes_, self.figure_ = np.array(panels), figure_of(panels)
        return self

    def _draw(self, ax: Axes, quantity: str) -> None:
        from matplotlib.ticker import MaxNLocator

        for color, (_, runs) in zip(MODEL_COLORS, self._models(), strict=False):
            _draw_lines(ax, runs, quantity, color)
            if f"valid_{quantity}" in runs:
                _draw_held_out(ax, runs, f"valid_{quantity}", color)
        panel = _PANELS[quantity]
        headline(ax, panel.title, panel.note)
        ax.set(xlabel="epoch", ylabel=panel.label)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        if quantity == "temperature" and _ratio(self.curves[quantity]) > _LOG_FACTOR:
            _use_log_axis(ax)
        elif quantity != "sufficiency":  # 0 means something: partners that meet, a hard maximum
            ax.set_ylim(0, 1.1 * max(ax.get_ylim()[1], 1e-3))
        clean(ax, grid="y")

    def _name_models(self, ax: Axes) -> None:
        """Write the models' names at the ends of the lines of the last panel."""
        ax.set_ylim(ax.get_ylim())
        means = {model: _mean_and_range(runs, "temperature") for model, runs in self._models()}
        label_line_ends(
            ax,
            [
                LineEnd(table.index[-1], table["mean"].iloc[-1], model, color)
                for color, (model, table) in zip(MODEL_COLORS, means.items(), strict=False)
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


def _draw_lines(ax: Axes, runs: pd.DataFrame, quantity: str, color: str) -> None:
    table = _mean_and_range(runs, quantity)
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
    table = _mean_and_range(runs.dropna(subset=quantity), quantity)
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


def _mean_and_range(runs: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return mean, min and max per epoch (the index), over the epochs that all runs have."""
    table = runs.groupby("epoch")[quantity].agg(["mean", "min", "max", "count"])
    return table[table["count"] == runs["run"].nunique()]


def _ratio(values: pd.Series[Any]) -> float:
    return float(values.max() / values.min()) if values.min() > 0 else 0.0


def _use_log_axis(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _runs(value: Any, where: str) -> list[Any]:
    """Return one history, or several of them, as a list of histories."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise TypeError(
            f"{where} must be a list of epochs or a list of such lists, got "
            f"{type(value).__name__}: pass aligner.history_"
        )
    if not value:
        raise ValueError(f"{where} is empty: pass the history_ of a fitted aligner")
    return [value] if isinstance(value[0], Mapping) else list(value)


def _read_history(history: Any, where: str) -> pd.DataFrame:
    """Return one run's epochs as rows, with all columns of `_COLUMNS`."""
    if not (isinstance(history, Sequence) and all(isinstance(e, Mapping) for e in history)):
        raise TypeError(f"{where} must hold a dict per epoch: pass aligner.history_")
    if not history:
        raise ValueError(f"{where} has no epoch: pass the history_ of a fitted aligner")
    for i, epoch in enumerate(history):
        if missing := [key for key in _REQUIRED if key not in epoch]:
            raise ValueError(
                f"{where}: epoch number {i} lacks {missing}, it has {sorted(map(str, epoch))}: "
                "pass aligner.history_ as it is"
            )
    table = pd.DataFrame(list(history)).reindex(columns=list(_COLUMNS)).astype(float)
    if not np.isfinite(table[_REQUIRED]).all(axis=None):
        raise ValueError(f"{where} has values that are NaN or infinite: drop those epochs")
    if not table["epoch"].is_monotonic_increasing or table["epoch"].duplicated().any():
        raise ValueError(f"{where} must count its epochs upwards, got {table['epoch'].tolist()}")
    return table.rename(columns=_COLUMNS)
