"""Curves of training: the loss and its parts, divergence, temperature and gap over epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pandas as pd

from ._display import Display
from ._inputs.fitted_aligners import as_aligner, as_estimators
from ._inputs.models import as_runs, check_models
from ._inputs.training_curves import mean_and_range, read_histories, summands
from .drawing.curves import LineEnd, draw_mean, draw_range, label_line_ends
from .drawing.figures import MAX_WIDTH, new_figure, note_figure
from .drawing.style import DASHED, MODEL_COLORS, clean, headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOG_FACTOR = 5  # temperatures with a larger ratio are drawn on a logarithmic axis


class _Panel(NamedTuple):
    title: str
    note: str
    label: str


_PANELS = {
    "loss": _Panel("Loss and its parts", "", "nats"),
    "divergence": _Panel("Divergence of pairs", "low: partners meet", "divergence"),
    "temperature": _Panel("Temperature", "of the contrastive loss", "temperature τ"),
    "modality_gap": _Panel(
        "Modality gap", "low: modalities lie in one place", "distance of the centres"
    ),
    "beta": _Panel("Weight of minimality", "0: the contrastive loss alone", "β"),
}


class TrainingDisplay(Display):
    """Curves of training: loss and its parts, divergence of pairs, temperature, gap, beta.

    One line per model. In the first panel, the line is the loss, and the shaded parts below it are
    its summands after the first; for :class:`mibsk.IBAligner` sufficiency is at the bottom and
    minimality, the divergence times its weight `beta`, is shaded. For several runs of one model,
    the line is their mean and the band extends from the lowest to the highest, over the epochs that
    all runs have. Dashed lines are held-out pairs, if the history has them. Create it with
    :meth:`from_estimator` or :meth:`from_histories`.

    Parameters
    ----------
    curves : DataFrame
        One row per model, run and epoch, with columns ``model``, ``run``, ``epoch`` and ``loss``;
        the summands of the loss under their names, such as ``sufficiency`` and ``minimality``; and
        ``divergence`` (the minimality term, unweighted), ``temperature``, ``modality_gap``,
        ``beta``, ``valid_loss``, ``valid_divergence`` and ``valid_modality_gap``, which are NaN
        where unknown.

    Attributes
    ----------
    axes_ : ndarray of Axes (n_panels,)
        Loss, divergence, temperature, modality gap, each if known for any model; and `beta`, if it
        changes during training.
    figure_ : Figure
        The figure that contains them.

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
            Fitted. In a mapping, a model may be a list of several runs that differ in their seed.
        names : mapping of str to str, default=None
            Model -> name to show, by default the key.
        axes : iterable of Axes, default=None
            Where to draw, one per panel; None makes a figure.

        Returns
        -------
        TrainingDisplay

        Raises
        ------
        TypeError
            If an estimator is not an aligner.
        ValueError
            If there are too many, or runs of one model have no epoch in common.
        """
        aligners = {
            key: [as_aligner(run) for run in as_runs(model)]
            for key, model in as_estimators(estimator, allow_runs=True).items()
        }
        histories = {key: [run.history_ for run in runs] for key, runs in aligners.items()}
        terms = {key: runs[0].loss_terms_ for key, runs in aligners.items()}
        return cls(read_histories(histories, terms, names)).plot(axes)

    @classmethod
    def from_histories(
        cls,
        histories: Mapping[str, Sequence[Any]],
        *,
        terms: Sequence[str] | None = None,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Collect the histories of trained models and plot them.

        Parameters
        ----------
        histories : mapping of str to list of dict, or to list of lists of dict
            Model -> `IBAligner.history_`, or several of them (runs that differ in their seed).
            Every epoch needs the key ``epoch`` and, for each summand of the loss,
            ``train_<name>``. Panels whose key (``train_divergence``, ``temperature``,
            ``train_modality_gap``) no history has are left out; that of ``beta`` is drawn if it
            changes.
        terms : list of str, default=None
            Names of the summands of the loss, `IBAligner.loss_terms_`. None takes every
            ``train_<name>`` except loss, divergence, alignment, modality gap and uniformity.
        names : mapping of str to str, default=None
            Model -> name to show, by default the key.
        axes : iterable of Axes, default=None
            Where to draw, one per panel; None makes a figure.

        Returns
        -------
        TrainingDisplay

        Raises
        ------
        ValueError
            If a history is empty, lacks a key, holds a value that is not finite, or its epochs do
            not increase.
        TypeError
            If `histories` is not a mapping, or a history not a list of dicts.
        """
        check_models(histories, "histories")
        curves = read_histories(histories, dict.fromkeys(histories, terms), names)
        return cls(curves).plot(axes)

    def _panel_names(self) -> list[str]:
        known = [q for q in _PANELS if self.curves[q].notna().any()]
        return [q for q in known if q != "beta" or _changes(self.curves, "beta")]

    def _new_panels(self) -> list[Axes]:
        n_panels = len(self._panel_names())
        figure, panels = new_figure(
            n_panels,
            n_columns=_n_columns(n_panels),
            width=MAX_WIDTH,
            height=6.6 if n_panels >= 4 else 3.7,
        )
        if note := self._note():
            note_figure(figure, note)
        return panels

    def _draw(self, *, in_new_figure: bool) -> None:
        quantities = self._panel_names()
        for ax, quantity in zip(self.axes_, quantities, strict=True):
            self._draw_panel(ax, quantity)
        step = _n_columns(len(quantities)) if in_new_figure else len(quantities)
        for i, (ax, quantity) in enumerate(zip(self.axes_, quantities, strict=True), start=1):
            if i % step == 0 or i == len(quantities):  # at the right of each row
                self._name_models(ax, quantity)

    def _draw_panel(self, ax: Axes, quantity: str) -> None:
        from matplotlib.ticker import MaxNLocator

        values = self.curves[quantity]
        for color, (model, runs) in zip(MODEL_COLORS, self._models(), strict=False):
            if quantity == "loss":
                _shade_summands(ax, model, runs, color)
            table = mean_and_range(runs, quantity)
            if runs["run"].nunique() > 1 and not table.empty:
                draw_range(ax, table, color)
            _draw_line(ax, table, color, model)
            if f"valid_{quantity}" in runs:
                held_out = runs.dropna(subset=f"valid_{quantity}")
                table = mean_and_range(held_out, f"valid_{quantity}")
                style: Any = {"linewidth": 1.4, "markersize": 3.5, "linestyle": DASHED}
                _draw_line(ax, table, color, f"{model}, held-out pairs", **style)
        panel = _PANELS[quantity]
        headline(ax, panel.title, self._loss_note() if quantity == "loss" else panel.note)
        ax.set(xlabel="epoch", ylabel=panel.label)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        low, high = values.min(), values.max()
        if quantity == "temperature" and low > 0 and high / low > _LOG_FACTOR:
            _use_log_axis(ax)
        else:  # 0 has a meaning: no loss, partners that meet, a hard maximum
            bottom, top = ax.get_ylim()
            bottom = 0.0 if low >= 0 else bottom
            ax.set_ylim(bottom, max(top + 0.05 * (top - bottom), 1e-3))
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

    def _loss_note(self) -> str:
        """Describe the stacked parts of the loss, from below."""
        different = {tuple(summands(runs)) for _, runs in self._models()}
        if len(different) > 1:
            return "from below: its parts, all but the first shaded"
        names = list(different.pop())
        if len(names) == 2 and self.curves["divergence"].notna().any():
            names[1] = "β × divergence"
        how = {1: "", 2: " (shaded)"}.get(len(names), ", from below")
        return f"loss = {' + '.join(names)}{how}"

    def _note(self) -> str:
        """Describe bands and dashed lines, if there are any."""
        notes = []
        n_runs = self.curves.groupby("model")["run"].nunique()
        if n_runs.max() > 1:
            counts = "–".join(str(n) for n in sorted({n_runs.min(), n_runs.max()}))
            notes.append(f"line and band: mean and range of {counts} runs")
        if self.curves.filter(like="valid_").notna().any(axis=None):
            notes.append("dashed: held-out pairs")
        return "; ".join(notes)


def _n_columns(n_panels: int) -> int:
    return 2 if n_panels == 4 else min(n_panels, 3)


def _shade_summands(ax: Axes, model: str, runs: pd.DataFrame, color: str) -> None:
    """Fill what each summand of the loss after the first adds to those before it."""
    names = summands(runs)
    sums = runs[names].cumsum(axis=1)
    levels = [mean_and_range(runs.assign(level=sums[name]), "level")["mean"] for name in names]
    for (below, low), (above, high) in pairwise(zip(names, levels, strict=True)):
        label = f"{model}, {above}"
        ax.fill_between(low.index, low, high, facecolor=color, alpha=0.3, linewidth=0, label=label)
        ax.plot(low.index, low, color=color, linewidth=0.9, label=below)


def _draw_line(ax: Axes, table: pd.DataFrame, color: str, label: str, **style: Any) -> None:
    """Draw the mean over epochs, with a marker at the end."""
    if not table.empty:
        draw_mean(ax, table, color, label, markevery=[len(table) - 1], **style)


def _changes(curves: pd.DataFrame, quantity: str) -> bool:
    """Whether a quantity has more than one value in a run."""
    return bool((curves.groupby(["model", "run"])[quantity].nunique() > 1).any())


def _use_log_axis(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
