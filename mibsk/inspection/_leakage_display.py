"""What embeddings hold: leaked and kept information, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from ._display import Display
from ._inputs.factor_probing import FactorProbing
from ._inputs.fitted_aligners import as_estimators, embed_each
from ._inputs.fraction_tables import KINDS, Fractions, fraction_table
from ._inputs.models import shown_names
from ._inputs.paired_embeddings import as_models
from .drawing.figures import MAX_WIDTH, new_figure
from .drawing.style import (
    MODEL_COLORS,
    MUTED,
    clean,
    headline,
    ink,
    label_size,
    note_size,
    readable,
    show_percent,
    text_on,
)
from .drawing.text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer

_HEADLINES = {
    "leakage": ("Leaked: nuisances", "← lower is better"),
    "kept": ("Kept: shared factors", "higher is better →"),
}
_ERRORS = "±: standard deviation over runs"
_AXES = {  # what the fractions are fractions of -> label
    "entropy": "share of the factor's entropy that a probe reads",
    "variance": "share of the factor's variance that a probe reads (R²)",
    "unknown": "share of the factor that a probe reads",
}
_MIXED = "share of entropy, or of variance (R²), that a probe reads"

# The y axis counts bars; these lengths are in bars.
_THICKNESS = 0.8
_GAP = 0.55  # between factors
_LINE = 0.72  # height of a line of a factor's name
_INCHES = 0.27  # of one bar

_NAME_WIDTH = 50  # characters per line of a factor's name


class LeakageDisplay(Display):
    """Leaked and kept information: how much of each factor embeddings hold.

    One group of bars per factor, one bar per model. Create it with :meth:`from_estimator`,
    :meth:`from_embeddings` or :meth:`from_fractions`.

    Parameters
    ----------
    fractions : DataFrame
        One row per model, kind and factor, with columns ``model``, ``kind`` ("leakage" or "kept"),
        ``factor``, ``fraction`` (in [0, 1]), ``error`` (standard deviation over runs, NaN where
        unknown) and ``of``: whether the fraction is one of the factor's "entropy" or, for real
        numbers, of its "variance", or that is "unknown".

    Attributes
    ----------
    axes_ : ndarray of Axes (2,)
        Leaked, kept.
    figure_ : Figure
        The figure that contains them.

    See Also
    --------
    mibsk.metrics.leakage : The fraction of a factor's entropy or variance that a probe reads.

    Examples
    --------
    >>> from mibsk.inspection import LeakageDisplay
    >>> display = LeakageDisplay.from_fractions({
    ...     "infonce": {"leakage": {"speaker": 0.92}, "kept": {"digit": 0.99}},
    ...     "ib": {"leakage": {"speaker": 0.65}, "kept": {"digit": 0.98}},
    ... })
    >>> [float(bar.get_width()) for bar in display.axes_[0].patches]
    [0.92, 0.65]
    """

    def __init__(self, fractions: pd.DataFrame) -> None:
        self.fractions = fractions

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        labels: Mapping[str, pd.DataFrame],
        X_test: Any = None,
        y_test: Any = None,
        labels_test: Mapping[str, pd.DataFrame] | None = None,
        shared: Iterable[Any] | None = None,
        nuisances: Iterable[Any] | None = None,
        test_size: float = 0.25,
        groups: Mapping[str, Any] | None = None,
        groups_test: Mapping[str, Any] | None = None,
        random_state: int | None = 0,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Embed rows with fitted aligners, probe the embeddings, and plot the fractions.

        Parameters
        ----------
        estimator : IBAligner, Pipeline that ends with one, or mapping of str to those
            Fitted. In a mapping, a model may be a list of several runs that differ in their seed.
        X, y : data
            Input of `IBAligner.embed`. For :class:`mibsk.ClassPairs`, all rows of each modality
            are used.
        labels : mapping of str to DataFrame
            Modality -> one column per factor of its rows.
        X_test, y_test : data, default=None
            Held-out rows on which the probes are evaluated; None holds out part of `X`.
        labels_test : mapping like `labels`, default=None
            Labels of the held-out rows.
        shared, nuisances, test_size, groups, groups_test, random_state, names, axes
            As in :meth:`from_embeddings`.

        Returns
        -------
        LeakageDisplay

        Raises
        ------
        ValueError, TypeError
            If an estimator is not an aligner, or the data do not match those of `fit` or the
            labels.
        """
        probing = FactorProbing(
            labels, shared, nuisances, labels_test, test_size, random_state, groups, groups_test
        )
        probing.check_rows(X, y, X_test, y_test)
        models = as_estimators(estimator, allow_runs=True)
        held_out = embed_each(models, X_test, y_test)
        return cls._probe(probing, embed_each(models, X, y), held_out, names, axes)

    @classmethod
    def from_embeddings(
        cls,
        embeddings: Mapping[str, Any],
        labels: Mapping[str, pd.DataFrame],
        *,
        embeddings_test: Mapping[str, Any] | None = None,
        labels_test: Mapping[str, pd.DataFrame] | None = None,
        shared: Iterable[Any] | None = None,
        nuisances: Iterable[Any] | None = None,
        test_size: float = 0.25,
        groups: Mapping[str, Any] | None = None,
        groups_test: Mapping[str, Any] | None = None,
        random_state: int | None = 0,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Probe the embeddings of each modality for its factors, and plot the fractions.

        Parameters
        ----------
        embeddings : mapping of str to array-like (n, d), or mapping of str to those
            Modality -> embeddings, or model -> modality -> embeddings. The number of rows may
            differ between modalities. A model may have a list of such mappings, one per run, whose
            mean and standard deviation are drawn.
        labels : mapping of str to DataFrame
            Modality -> one column per factor of its rows; constant factors are left out.
        embeddings_test : mapping like `embeddings`, default=None
            Held-out embeddings on which the probes are evaluated; None holds out part of
            `embeddings`.
        labels_test : mapping like `labels`, default=None
            Labels of the held-out embeddings.
        shared : list of factors, default=None
            Factors that should be kept; None takes those of all modalities.
        nuisances : list of factors, default=None
            Factors that should not leak; None takes all others.
        test_size : float, default=0.25
            Fraction of the rows held out if there are no held-out embeddings.
        groups : mapping of str to array-like (n,), default=None
            Modality -> groups of rows that are not independent, such as recordings of one speaker,
            which are held out together; see :func:`mibsk.metrics.leakage`. A modality that is left
            out has none.
        groups_test : mapping like `groups`, default=None
            Groups of the held-out embeddings; required with both.
        random_state : int or None, default=0
            Seed of that split.
        names : mapping of str to str, default=None
            Model -> name to show, by default the key.
        axes : two Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        LeakageDisplay

        Raises
        ------
        ValueError
            If modalities, rows or factors do not match, or there is no shared factor or no
            nuisance.
        TypeError
            If something is not a mapping, a table or an array.
        """
        probing = FactorProbing(
            labels, shared, nuisances, labels_test, test_size, random_state, groups, groups_test
        )
        return cls._probe(probing, embeddings, embeddings_test, names, axes)

    @classmethod
    def from_fractions(
        cls,
        fractions: Fractions,
        *,
        errors: Fractions | None = None,
        numeric: Iterable[Any] | None = None,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Collect fractions per model and factor and plot them.

        Parameters
        ----------
        fractions : mapping of str to {"leakage": {factor: fraction}, "kept": {factor: fraction}}
            For each model, the fraction of each factor's entropy, or of the variance of real
            numbers, that a probe reads, in [0, 1]. All models have the same factors.
        errors : mapping like `fractions`, default=None
            Standard deviations over runs.
        numeric : list of factors, default=None
            Those that are real numbers: the axes then say whether a share is one of entropy or of
            variance. None says neither.
        names : mapping of str to str, default=None
            Model -> name to show, by default the key.
        axes : two Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        LeakageDisplay

        Raises
        ------
        ValueError
            If a model, kind or factor is missing, or a number is out of range.
        TypeError
            If something is not a mapping, a list of factors or a number.
        """
        table = fraction_table(fractions, errors, numeric)
        table["model"] = table["model"].map(shown_names(fractions, names))
        return cls(table).plot(axes)

    @classmethod
    def _probe(
        cls,
        probing: FactorProbing,
        embeddings: Any,
        embeddings_test: Any,
        names: Mapping[str, str] | None,
        axes: Iterable[Axes] | None,
    ) -> Self:
        models = as_models(embeddings, allow_runs=True)
        several = models is embeddings
        if embeddings_test is not None and not several:
            embeddings_test = {next(iter(models)): embeddings_test}
        fractions: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        numeric: set[str] = set()
        for key, value in models.items():
            if embeddings_test is not None and key not in embeddings_test:
                raise ValueError(f"embeddings_test must have every model, {key!r} is missing.")
            held_out = None if embeddings_test is None else embeddings_test[key]
            where = f"embeddings[{key!r}]" if several else "embeddings"
            table = probing.over_runs(value, held_out, where)
            table["name"] = [f"{row.factor}, from {row.modality}" for row in table.itertuples()]
            numeric.update(table["name"][table["of"] == "variance"])
            of_kind = {kind: table[table["kind"] == kind].set_index("name") for kind in KINDS}
            fractions[key] = {kind: rows["fraction"].to_dict() for kind, rows in of_kind.items()}
            errors[key] = {kind: rows["error"].to_dict() for kind, rows in of_kind.items()}
        return cls.from_fractions(fractions, errors=errors, numeric=numeric, names=names, axes=axes)

    def _panel_names(self) -> tuple[str, ...]:
        return KINDS

    def _new_panels(self) -> list[Axes]:
        return new_figure(2, n_columns=2, width=MAX_WIDTH, height=1.1 + _INCHES * self._height())[1]

    def _draw(self, *, in_new_figure: bool) -> None:
        height = self._height()
        for ax, kind in zip(self.axes_, KINDS, strict=True):
            title, note = _HEADLINES[kind]
            if self.fractions["error"].notna().any():
                note += f"   ({_ERRORS})"
            headline(ax, title, note)
            ax.set(xlim=(0, 1), ylim=(height + 0.2, 0), yticks=[])
            ax.set_xlabel(self._axis(kind))
            show_percent(ax.xaxis)
            clean(ax, grid="x")
            ax.spines["bottom"].set_visible(False)
            for i, (top, factor, table) in enumerate(self._groups(kind)):
                _draw_group(ax, top, factor, table, named=i == 0 and kind == KINDS[0])

    def _axis(self, kind: str) -> str:
        """Return the label of the axis of a panel."""
        measured = self.fractions["of"][self.fractions["kind"] == kind].unique()
        return _AXES[measured[0]] if len(measured) == 1 else _MIXED

    def _height(self) -> float:
        """Return the height of the higher panel, in bars."""
        last = [self._groups(kind)[-1] for kind in KINDS]
        return max(top + _name_height(name) + len(table) for top, name, table in last)

    def _groups(self, kind: str) -> list[tuple[float, str, pd.DataFrame]]:
        """Return the top of each factor's group, its name broken into lines, and its rows."""
        groups, top = [], 0.0
        chosen = self.fractions[self.fractions["kind"] == kind]
        for factor, table in chosen.groupby("factor", sort=False):
            marked = chosen["of"].nunique() > 1 and table["of"].iloc[0] == "variance"
            name = wrap(f"{factor} (R²)" if marked else str(factor), _NAME_WIDTH)
            groups.append((top, name, table))
            top += _name_height(name) + len(table) + _GAP
        return groups


def _name_height(name: str) -> float:
    return _LINE * (name.count("\n") + 1) + 0.2


def _draw_group(ax: Axes, top: float, factor: str, table: pd.DataFrame, *, named: bool) -> None:
    """Draw the name of a factor and the bars below it; if `named`, name the models on them."""
    start = top + _name_height(factor)
    style: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False}
    ax.annotate(
        factor, (0, start - 0.1), xytext=(4, 0), va="bottom", fontsize=label_size(), **style
    )
    known = table["error"].notna().any()
    bars = ax.barh(
        start + 0.5 + np.arange(len(table)),
        table["fraction"],
        height=_THICKNESS,
        color=MODEL_COLORS[: len(table)],
        xerr=table["error"] if known else None,
        error_kw={"ecolor": ink(), "alpha": MUTED, "elinewidth": 1.2},
        label=factor,
    )
    style |= {"va": "center", "fontsize": note_size()}
    values = _label_bars(ax, bars, table, style)
    if named:
        _name_models(ax, bars, values, table, style | {"fontweight": "bold"})


def _label_bars(
    ax: Axes, bars: BarContainer, table: pd.DataFrame, style: Mapping[str, Any]
) -> list[Any]:
    """Write each value after its bar, or after its error bar."""
    labels = []
    for bar, fraction, error in zip(bars, table["fraction"], table["error"], strict=True):
        text, end = f"{fraction:.0%}", fraction
        if not np.isnan(error):
            text, end = f"{100 * fraction:.1f} ± {100 * error:.1f}%", min(1.0, fraction + error)
        middle = bar.get_y() + _THICKNESS / 2
        labels.append(ax.annotate(text, (end, middle), xytext=(5, 0), **style))
    return labels


def _name_models(
    ax: Axes,
    bars: BarContainer,
    values: list[Any],
    table: pd.DataFrame,
    style: Mapping[str, Any],
) -> None:
    """Write the name of each model inside its bar if it fits, otherwise after the value."""
    errors = table["error"].fillna(0.0)
    for bar, value, model, error in zip(bars, values, table["model"], errors, strict=True):
        middle = bar.get_y() + _THICKNESS / 2
        color: Any = text_on(bar.get_facecolor())
        name = ax.annotate(model, (0, middle), xytext=(6, 0), color=color, **style)
        room = ax.transData.transform((bar.get_width() - error, middle))[0]
        if name.get_window_extent().x1 > room:
            name.remove()
            color = readable(bar.get_facecolor())
            ax.annotate(model, (1, 0.5), xycoords=value, xytext=(7, 0), color=color, **style)
