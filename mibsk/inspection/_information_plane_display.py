"""The information plane: kept against leaked information, over beta or over epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from ._display import Display
from ._inputs.factor_probing import FactorProbing
from ._inputs.fitted_aligners import as_aligner, embed_each
from ._inputs.information_plane_points import points_from_embeddings, points_from_fractions
from .drawing.figures import figure_of, legend_below, legend_columns, new_figure
from .drawing.point_labels import PointLabel, label_points
from .drawing.style import (
    FAINT,
    MODALITY_COLORS,
    MODALITY_MARKERS,
    MUTED,
    clean,
    headline,
    ink,
    label_size,
    note_size,
    paper,
    show_percent,
)
from .drawing.text import characters_across, longest_that_fits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_IDEAL = (0.0, 1.0)  # leaked, kept
_SLACK = 0.03  # of the limits, so that markers at 0 and 1 are not cut
_ROOM = 0.15  # beyond the farthest point, for names
_NARROWEST = 0.05  # range of an axis
_SYMBOLS = {"beta": "β = "}

# from long to short: the first that fits is written
_LEAKED = (
    "leaked: share of the nuisances that a probe reads",
    "leaked: nuisances",
    "leaked",
)
_KEPT = ("kept: share of what is shared that a probe reads", "kept: what is shared", "kept")
_NOTES = ("↖ better: keep what is shared, leak nothing else", "↖ better")
_ERRORS = "\nbars: standard deviation over runs"
_FLAT = 160  # points: lower axes have no room for a note
_MOST_LEGEND = 0.7  # of the height of the axes


class InformationPlaneDisplay(Display):
    """Kept against leaked information of each modality, over `beta` or over epochs.

    One line per modality, one point per step. The star at the top left marks the ideal: all kept
    and nothing leaked. From there, the axes extend as far as the points do. A modality without
    nuisances has nothing to leak: its points are open markers at 0, and its entry in the legend
    says so. Create it with :meth:`from_estimator`, :meth:`from_embeddings` or
    :meth:`from_fractions`.

    Parameters
    ----------
    points : DataFrame
        One row per modality and step, with columns ``modality``, ``step`` (number), ``leaked``
        (mean fraction of the nuisances that a probe reads, in [0, 1]; NaN without
        nuisances), ``kept`` (the same of the shared factors) and, if known, ``leaked_error`` and
        ``kept_error`` (standard deviations over runs).
    step_name : str, default="beta"
        Name of the quantity that a step is a value of, such as "beta" or "epoch".

    Attributes
    ----------
    axes_ : ndarray of Axes (1,)
        The plane.
    figure_ : Figure
        The figure that contains it.

    See Also
    --------
    mibsk.metrics.leakage : The fraction of a factor's entropy or variance that a probe reads.

    Examples
    --------
    >>> from mibsk.inspection import InformationPlaneDisplay
    >>> display = InformationPlaneDisplay.from_fractions({
    ...     0.0: {"audio": {"leakage": {"speaker": 0.92}, "kept": {"digit": 0.99}}},
    ...     1.0: {"audio": {"leakage": {"speaker": 0.65}, "kept": {"digit": 0.98}}},
    ... })
    >>> display.points[["step", "leaked", "kept"]].values.tolist()
    [[0.0, 0.92, 0.99], [1.0, 0.65, 0.98]]
    """

    def __init__(self, points: pd.DataFrame, *, step_name: str = "beta") -> None:
        self.points = points
        self.step_name = step_name

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
        step_name: str = "beta",
        names: Mapping[str, str] | None = None,
        axes: Axes | Iterable[Axes] | None = None,
    ) -> Self:
        """Embed rows with fitted aligners, probe the embeddings, and plot the plane.

        Parameters
        ----------
        estimator : mapping of float to IBAligner or to list of those, or IBAligner
            Step, such as `beta`, -> fitted aligner, a Pipeline that ends with one, or several that
            differ in their seed, whose mean is drawn. A single aligner is one point at its `beta`.
        X, y : data
            Input of `IBAligner.embed`. For :class:`mibsk.ClassPairs`, all rows of each modality
            are used.
        labels : mapping of str to DataFrame
            Modality -> one column per factor of its rows.
        X_test, y_test : data, default=None
            Held-out rows on which the probes are evaluated; None holds out part of `X`.
        labels_test : mapping like `labels`, default=None
            Labels of the held-out rows.
        shared, nuisances, test_size, groups, groups_test, random_state, step_name, names, axes
            As in :meth:`from_embeddings`.

        Returns
        -------
        InformationPlaneDisplay

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
        if not isinstance(estimator, Mapping):
            estimator = {as_aligner(estimator).history_[-1]["beta"]: estimator}
        held_out = embed_each(estimator, X_test, y_test)
        points = points_from_embeddings(probing, embed_each(estimator, X, y), held_out, names)
        return cls(points, step_name=step_name).plot(axes)

    @classmethod
    def from_embeddings(
        cls,
        embeddings: Mapping[float, Any],
        labels: Mapping[str, pd.DataFrame],
        *,
        embeddings_test: Mapping[float, Any] | None = None,
        labels_test: Mapping[str, pd.DataFrame] | None = None,
        shared: Iterable[Any] | None = None,
        nuisances: Iterable[Any] | None = None,
        test_size: float = 0.25,
        groups: Mapping[str, Any] | None = None,
        groups_test: Mapping[str, Any] | None = None,
        random_state: int | None = 0,
        step_name: str = "beta",
        names: Mapping[str, str] | None = None,
        axes: Axes | Iterable[Axes] | None = None,
    ) -> Self:
        """Probe the embeddings of each step and modality, and plot the plane.

        Parameters
        ----------
        embeddings : mapping of float to mapping of str to array-like (n, d)
            Step -> modality -> embeddings, or a list of such mappings, one per run, whose mean and
            standard deviation are drawn.
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
        step_name : str, default="beta"
            Name of the quantity that a step is a value of, such as "beta" or "epoch".
        names : mapping of str to str, default=None
            Modality -> name to show, by default the key.
        axes : Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        InformationPlaneDisplay

        Raises
        ------
        ValueError
            If modalities, rows or factors do not match, or there is no shared factor or no
            nuisance.
        TypeError
            If a step is not a number, or something is not a mapping, a table or an array.
        """
        probing = FactorProbing(
            labels, shared, nuisances, labels_test, test_size, random_state, groups, groups_test
        )
        points = points_from_embeddings(probing, embeddings, embeddings_test, names)
        return cls(points, step_name=step_name).plot(axes)

    @classmethod
    def from_fractions(
        cls,
        fractions: Mapping[float, Any],
        *,
        errors: Mapping[float, Any] | None = None,
        step_name: str = "beta",
        names: Mapping[str, str] | None = None,
        axes: Axes | Iterable[Axes] | None = None,
    ) -> Self:
        """Average fractions over factors and plot them.

        Parameters
        ----------
        fractions : mapping of float to {modality: {"leakage": {factor: number}, "kept": {...}}}
            Step -> modality -> fraction of each factor's entropy, or of the variance of real
            numbers, that a probe reads, in [0, 1].
            A modality without nuisances has an empty "leakage".
        errors : mapping of float to {modality: {"leakage": number, "kept": number}}, default=None
            Standard deviations of the means over factors.
        step_name : str, default="beta"
            Name of the quantity that a step is a value of, such as "beta" or "epoch".
        names : mapping of str to str, default=None
            Modality -> name to show, by default the key.
        axes : Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        InformationPlaneDisplay

        Raises
        ------
        ValueError
            If a modality or kind is missing, or a number is out of range.
        TypeError
            If something is not a mapping or a number.
        """
        points = points_from_fractions(fractions, errors, names)
        return cls(points, step_name=step_name).plot(axes)

    def _panel_names(self) -> list[str]:
        return ["information plane"]

    def _new_panels(self) -> list[Axes]:
        return new_figure(1, n_columns=1, width=6.6, height=5.6)[1]

    def _draw(self, *, in_new_figure: bool) -> None:
        from matplotlib.lines import Line2D

        (ax,) = self.axes_
        lines = [
            (str(modality), color, table.sort_values("step"))
            for (modality, table), color in zip(
                self.points.groupby("modality", sort=False), MODALITY_COLORS, strict=False
            )
        ]
        key = [
            _draw_line(ax, *line, marker)
            for line, marker in zip(lines, MODALITY_MARKERS, strict=False)
        ]
        star: Any = {"marker": "*", "color": ink(), "linestyle": "", "alpha": MUTED}
        ax.plot(*_IDEAL, **star, markersize=15, clip_on=False, zorder=2)
        key.append(Line2D([], [], **star, markersize=10, label="ideal"))
        if in_new_figure:
            legend_below(self.figure_, key, legend_columns(self.figure_, key))
        ax.set(xlabel=_LEAKED[-1], ylabel=_KEPT[-1])
        self.figure_.draw_without_rendering()  # the size of the axes determines the other texts
        _set_up(ax, self.points)
        taken = [_IDEAL] if in_new_figure else [_IDEAL, *_add_legend(ax, key)]
        label_points(ax, [self._labels(color, table) for _, color, table in lines], taken)

    def _labels(self, color: str, table: pd.DataFrame) -> list[PointLabel]:
        """Return the names of the points of a line; only those of its ends have the symbol."""
        symbol = _SYMBOLS.get(self.step_name, f"{self.step_name} ")
        ends = {table["step"].min(), table["step"].max()}
        columns = ["step", "leaked", "kept", "leaked_error", "kept_error"]
        return [
            PointLabel(x, y, f"{symbol if step in ends else ''}{step:g}", color, dx, dy)
            for step, x, y, dx, dy in table.reindex(columns=columns).fillna(0.0).to_numpy()
        ]


def _set_up(ax: Axes, points: pd.DataFrame) -> None:
    across, upwards = (characters_across(ax, label_size(), upwards=up) for up in (False, True))
    note = longest_that_fits(_NOTES, characters_across(ax, note_size()))
    if points.reindex(columns=["leaked_error", "kept_error"]).notna().any(axis=None):
        note += _ERRORS
    headline(ax, "Information plane", note if _height(ax) > _FLAT else "")
    farthest, lowest = _reach(points, "leaked", 1).max(), _reach(points, "kept", -1).min()
    right = min(max((1 + _ROOM) * farthest, _NARROWEST), 1.0)
    bottom = max(min(1 - (1 + _ROOM) * (1 - lowest), 1 - _NARROWEST), 0.0)
    ax.set_xlim(-_SLACK * right, right + _SLACK * right)
    ax.set_ylim(bottom - _SLACK * (1 - bottom), 1 + _SLACK * (1 - bottom))
    ax.set_xlabel(longest_that_fits(_LEAKED, across))
    ax.set_ylabel(longest_that_fits(_KEPT, upwards))
    show_percent(ax.xaxis, quarters=False)
    show_percent(ax.yaxis, quarters=False)
    clean(ax, grid="both")


def _height(ax: Axes) -> float:
    """Return the height of the axes in points."""
    return float(72 * ax.get_window_extent().height / figure_of(ax).dpi)


def _reach(points: pd.DataFrame, column: str, sign: int) -> pd.Series[Any]:
    """Return a coordinate of all points at the end of their error bars, 0 where it is unknown."""
    errors = points.get(f"{column}_error", pd.Series(0.0, points.index))
    return points[column].fillna(0.0) + sign * errors.fillna(0.0)


def _add_legend(ax: Axes, key: list[Line2D]) -> list[tuple[float, float]]:
    """Draw a legend inside the axes below all points, and return points that cover it."""
    legend = ax.legend(handles=key, fontsize=note_size(), loc="lower right")
    figure_of(ax).draw_without_rendering()
    share = legend.get_window_extent().height / ax.get_window_extent().height
    bottom, top = ax.get_ylim()
    if share < _MOST_LEGEND:
        ax.set_ylim(top - (top - bottom) / (1 - share - 2 * _SLACK), top)
    box = legend.get_window_extent()
    corners = np.linspace((box.x0, box.y0), (box.x1, box.y1), 12).T
    grid = np.stack(np.meshgrid(*corners), axis=-1).reshape(-1, 2)
    return [(x, y) for x, y in ax.transData.inverted().transform(grid).tolist()]


def _draw_line(ax: Axes, modality: str, color: str, table: pd.DataFrame, marker: str) -> Line2D:
    """Draw the points of one modality and return its entry in the legend."""
    known = table["leaked"].notna()
    style: dict[str, Any] = {
        "color": color,
        "marker": marker,
        "markersize": 7,
        "linewidth": 1.6,
        "markeredgecolor": paper(),
        "clip_on": False,
        "zorder": 4,
        "label": modality,
    }
    if known.any():
        table = table[known]
        errors: Any = {
            axis: table.get(f"{name}_error")
            for axis, name in (("xerr", "leaked"), ("yerr", "kept"))
        }
        if any(error is not None and error.notna().any() for error in errors.values()):
            ax.errorbar(
                table["leaked"],
                table["kept"],
                **errors,
                fmt="none",
                ecolor=color,
                alpha=FAINT + 0.15,
                elinewidth=1.2,
                zorder=3,
            )
    else:
        style |= {
            "markerfacecolor": "none",
            "markeredgecolor": color,
            "linestyle": "",
            "label": f"{modality} (has nothing to leak)",
        }
    (line,) = ax.plot(table["leaked"].fillna(0.0), table["kept"], **style)
    return line
