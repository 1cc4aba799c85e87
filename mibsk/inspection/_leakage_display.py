"""What embeddings hold: the leaked and the kept, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from ._estimators import as_estimators, embed_each
from ._fractions import KINDS, Fractions, fraction_table
from ._matplotlib import MAX_WIDTH, check_axes, figure_of, new_figure
from ._models import shown_names
from ._pairs import as_models
from ._probing import Probing
from ._style import (
    LABEL_SIZE,
    MODEL_COLORS,
    MUTED,
    NOTE_SIZE,
    clean,
    headline,
    ink,
    readable,
    text_on,
    wrap,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure

_HEADLINES = {
    "leakage": ("Leaked: what only one modality knows", "← lower is better"),
    "kept": ("Kept: what the modalities share", "higher is better →"),
}

# The y axis counts bars; these lengths are in bars.
_THICKNESS = 0.8
_GAP = 0.55  # between factors
_LINE = 0.72  # of a factor's name
_INCHES = 0.27  # of one bar

_NAME_WIDTH = 50  # characters in a line of a factor's name


class LeakageDisplay:
    """How much of each factor embeddings hold: what they leak beside what they keep.

    One group of bars per factor, one bar per model. It is best made with :meth:`from_estimator`,
    :meth:`from_embeddings` or :meth:`from_fractions`.

    Parameters
    ----------
    fractions : DataFrame
        One row per model, kind and factor, with columns ``model``, ``kind`` ("leakage" or "kept"),
        ``factor``, ``fraction`` (in [0, 1], of the factor's entropy) and ``error`` (standard
        deviation over runs, NaN where unknown).

    Attributes
    ----------
    axes_ : ndarray of Axes (2,)
        Leaked, kept.
    figure_ : Figure
        The figure they are in.

    See Also
    --------
    mibsk.metrics.leakage : The fraction of a factor's entropy that a probe reads.

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

    axes_: np.ndarray
    figure_: Figure

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
        random_state: int | None = 0,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Embed rows with fitted aligners, probe the embeddings, and plot what they hold.

        Parameters
        ----------
        estimator : IBAligner, Pipeline that ends with one, or mapping of str to those
            Fitted.
        X, y : data
            As `IBAligner.embed` takes them. Of :class:`mibsk.ClassPairs` all rows of each modality
            are taken.
        labels : mapping of str to DataFrame
            Modality -> one column per factor that its rows carry.
        X_test, y_test : data, default=None
            Held-out rows, on which the probes are judged; None holds out some of `X`.
        labels_test : mapping like `labels`, default=None
            Those of the held-out rows.
        shared, nuisances, test_size, random_state, names, axes
            As in :meth:`from_embeddings`.

        Returns
        -------
        LeakageDisplay

        Raises
        ------
        ValueError, TypeError
            If an estimator is no aligner, the data do not look like those of `fit`, or labels do
            not fit them.
        """
        models = as_estimators(estimator)
        held_out = None
        if X_test is not None:
            held_out = {key: embed_each(model, X_test, y_test) for key, model in models.items()}
        return cls.from_embeddings(
            {key: embed_each(model, X, y) for key, model in models.items()},
            labels,
            embeddings_test=held_out,
            labels_test=labels_test,
            shared=shared,
            nuisances=nuisances,
            test_size=test_size,
            random_state=random_state,
            names=names,
            axes=axes,
        )

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
        random_state: int | None = 0,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Probe the embeddings of each modality for the factors it carries, and plot the fractions.

        Parameters
        ----------
        embeddings : mapping of str to array-like (n, d), or mapping of str to those
            Modality -> embeddings, or model -> modality -> embeddings. Numbers of rows may differ
            between modalities.
        labels : mapping of str to DataFrame
            Modality -> one column per factor that its rows carry; constant ones are left out.
        embeddings_test : mapping like `embeddings`, default=None
            Held-out embeddings, on which the probes are judged; None holds out some of
            `embeddings`.
        labels_test : mapping like `labels`, default=None
            Those of the held-out embeddings.
        shared : list of factors, default=None
            What should be kept; None takes the factors that all modalities carry.
        nuisances : list of factors, default=None
            What should not be read; None takes all others.
        test_size : float, default=0.25
            Share of rows held out where there are no held-out embeddings.
        random_state : int or None, default=0
            Seed of that split.
        names : mapping of str to str, default=None
            Model -> name to show; the key where it has none.
        axes : two Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        LeakageDisplay

        Raises
        ------
        ValueError
            If modalities, rows or factors do not fit together, or there is no shared factor or no
            nuisance.
        TypeError
            If something else than mappings, tables and arrays came.
        """
        probing = Probing(labels, shared, nuisances, labels_test, test_size, random_state)
        models = as_models(embeddings)
        several = models is embeddings
        tests = (
            embeddings_test
            if several or embeddings_test is None
            else {next(iter(models)): embeddings_test}
        )
        fractions: dict[str, dict[str, dict[str, float]]] = {}
        for key, found in models.items():
            where = f"embeddings[{key!r}]" if several else "embeddings"
            if tests is not None and key not in tests:
                raise ValueError(f"embeddings_test must have every model, {key!r} is missing")
            held_out = None if tests is None else tests[key]
            fractions[key] = {kind: {} for kind in KINDS}
            table = probing.fractions(found, held_out, where)
            for modality, kind, factor, fraction in table.itertuples(index=False):
                fractions[key][kind][f"{factor}, from {modality}"] = fraction
        return cls.from_fractions(fractions, names=names, axes=axes)

    @classmethod
    def from_fractions(
        cls,
        fractions: Fractions,
        *,
        errors: Fractions | None = None,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Collect fractions per model and factor and plot them.

        Parameters
        ----------
        fractions : mapping of str to {"leakage": {factor: fraction}, "kept": {factor: fraction}}
            Per model the share of each factor's entropy that a probe reads, in [0, 1]. All models
            have the same factors.
        errors : mapping like `fractions`, default=None
            Standard deviations over runs.
        names : mapping of str to str, default=None
            Model -> name to show; the key where it has none.
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
            If a mapping or a number is expected and something else came.
        """
        table = fraction_table(fractions, errors)
        table["model"] = table["model"].map(shown_names(fractions, names))
        return cls(table).plot(axes)

    def plot(self, axes: Iterable[Axes] | None = None) -> Self:
        """Draw both panels.

        Parameters
        ----------
        axes : two Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self
        """
        groups = {kind: self._groups(kind) for kind in KINDS}
        height = max(_height(found) for found in groups.values())
        if axes is None:
            inches = 1.1 + _INCHES * height
            _, panels = new_figure(2, n_columns=2, width=MAX_WIDTH, height=inches)
        else:
            panels = check_axes(axes, KINDS)
        for ax, kind in zip(panels, KINDS, strict=True):
            _set_up(ax, kind, height)
            for i, (top, factor, table) in enumerate(groups[kind]):
                _draw_group(ax, top, factor, table, named=i == 0 and kind == KINDS[0])
        self.axes_, self.figure_ = np.array(panels), figure_of(panels)
        return self

    def _groups(self, kind: str) -> list[tuple[float, str, pd.DataFrame]]:
        """Return where each factor's name begins, the name in lines, and its rows."""
        groups, top = [], 0.0
        chosen = self.fractions[self.fractions["kind"] == kind]
        for factor, table in chosen.groupby("factor", sort=False):
            name = wrap(str(factor), _NAME_WIDTH)
            groups.append((top, name, table))
            top += _name_height(name) + len(table) + _GAP
        return groups


def _name_height(name: str) -> float:
    return _LINE * (name.count("\n") + 1) + 0.2


def _height(groups: list[tuple[float, str, pd.DataFrame]]) -> float:
    top, name, table = groups[-1]
    return top + _name_height(name) + len(table)


def _set_up(ax: Axes, kind: str, height: float) -> None:
    from matplotlib.ticker import PercentFormatter

    headline(ax, *_HEADLINES[kind])
    ax.set(xlim=(0, 1), ylim=(height + 0.2, 0), yticks=[], xticks=[0, 0.25, 0.5, 0.75, 1])
    ax.set_xlabel("share of the factor's entropy that a probe reads")
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    clean(ax, grid="x")
    ax.spines["bottom"].set_visible(False)


def _draw_group(ax: Axes, top: float, factor: str, table: pd.DataFrame, *, named: bool) -> None:
    """Draw a factor's name and below it the bars, the models' names on them if `named`."""
    start = top + _name_height(factor)
    ax.annotate(
        factor,
        (0, start - 0.1),
        xytext=(4, 0),
        textcoords="offset points",
        va="bottom",
        fontsize=LABEL_SIZE,
        annotation_clip=False,
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
    values = _label_bars(ax, bars, table)
    if named:
        _name_models(ax, bars, values, table)


def _label_bars(ax: Axes, bars: BarContainer, table: pd.DataFrame) -> list[Any]:
    """Write each value after its bar, and after the whisker where there is one."""
    labels = []
    for bar, fraction, error in zip(bars, table["fraction"], table["error"], strict=True):
        known = not np.isnan(error)
        labels.append(
            ax.annotate(
                f"{100 * fraction:.1f} ± {100 * error:.1f}%" if known else f"{fraction:.0%}",
                (min(1.0, fraction + error) if known else fraction, bar.get_y() + _THICKNESS / 2),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=NOTE_SIZE,
                annotation_clip=False,
            )
        )
    return labels


def _name_models(ax: Axes, bars: BarContainer, values: list[Any], table: pd.DataFrame) -> None:
    """Write each model's name inside its bar where it fits, else after the value."""
    errors = table["error"].fillna(0.0)
    for bar, value, model, error in zip(bars, values, table["model"], errors, strict=True):
        style: dict[str, Any] = {
            "textcoords": "offset points",
            "va": "center",
            "fontsize": NOTE_SIZE,
            "fontweight": "bold",
            "annotation_clip": False,
        }
        middle = bar.get_y() + _THICKNESS / 2
        color = text_on(bar.get_facecolor())
        name = ax.annotate(model, (0, middle), xytext=(6, 0), color=color, **style)
        room = ax.transData.transform((bar.get_width() - error, middle))[0]
        if name.get_window_extent().x1 > room:
            name.remove()
            style["color"] = readable(bar.get_facecolor())
            ax.annotate(model, (1, 0.5), xycoords=value, xytext=(7, 0), **style)
