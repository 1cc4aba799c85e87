"""The information plane: kept against leaked, as the weight of the bottleneck or training moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from ._estimators import as_aligner, embed_each
from ._matplotlib import check_axes, figure_of, import_pyplot, new_figure
from ._plane import plane_from_fractions, plane_from_tables
from ._plane_labels import StepLabel, label_steps
from ._probing import Probing
from ._style import (
    FAINT,
    GRID,
    MODALITY_COLORS,
    MODALITY_MARKERS,
    MUTED,
    NOTE_SIZE,
    clean,
    headline,
    ink,
    paper,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_IDEAL = (0.0, 1.0)  # leaked, kept
_SLACK = 0.03  # of the limits, so that markers at 0 and 1 are whole
_SYMBOLS = {"beta": "β = "}


class InformationPlaneDisplay:
    """Kept against leaked information of each modality, over `beta` or over epochs.

    One line per modality, one point per step. Down to the right is an embedding that leaks what
    only its modality knows and loses what is shared; the star at the top left marks the ideal, all
    kept and nothing leaked. A modality that carries no nuisance has nothing to leak: its points are
    open and stand at 0, and its name in the key says so. It is best made with
    :meth:`from_estimator`, :meth:`from_embeddings` or :meth:`from_fractions`.

    Parameters
    ----------
    points : DataFrame
        One row per modality and step, with columns ``modality``, ``step`` (number), ``leaked``
        (mean share of the nuisances' entropy that a probe reads, in [0, 1]; NaN where there is no
        nuisance), ``kept`` (that of the shared factors) and, if known, ``leaked_error`` and
        ``kept_error`` (standard deviations over runs).
    step_name : str, default="beta"
        What steps count, such as "beta" or "epoch".

    Attributes
    ----------
    axes_ : ndarray of Axes (1,)
        The plane.
    figure_ : Figure
        The figure it is in.

    See Also
    --------
    mibsk.metrics.leakage : The fraction of a factor's entropy that a probe reads.

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

    axes_: np.ndarray
    figure_: Figure

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
        random_state: int | None = 0,
        step_name: str = "beta",
        names: Mapping[str, str] | None = None,
        axes: Axes | Iterable[Axes] | None = None,
    ) -> Self:
        """Embed rows with fitted aligners, probe the embeddings, and plot kept against leaked.

        Parameters
        ----------
        estimator : mapping of float to IBAligner or to list of those, or IBAligner
            Step, such as `beta`, -> fitted aligner, a Pipeline that ends with one, or several that
            differ by seed, of which the mean is drawn. One aligner alone is a point at its `beta`.
        X, y : data
            As `IBAligner.embed` takes them. Of :class:`mibsk.ClassPairs` all rows of each modality
            are taken.
        labels : mapping of str to DataFrame
            Modality -> one column per factor that its rows carry.
        X_test, y_test : data, default=None
            Held-out rows, on which the probes are judged; None holds out some of `X`.
        labels_test : mapping like `labels`, default=None
            Those of the held-out rows.
        shared, nuisances, test_size, random_state, step_name, names, axes
            As in :meth:`from_embeddings`.

        Returns
        -------
        InformationPlaneDisplay

        Raises
        ------
        ValueError, TypeError
            If an estimator is no aligner, the data do not look like those of `fit`, or labels do
            not fit them.
        """
        if not isinstance(estimator, Mapping):
            estimator = {as_aligner(estimator).history_[-1]["beta"]: estimator}
        runs = {step: m if isinstance(m, list | tuple) else [m] for step, m in estimator.items()}
        held_out = None
        if X_test is not None:
            held_out = {
                step: [embed_each(model, X_test, y_test) for model in models]
                for step, models in runs.items()
            }
        return cls.from_embeddings(
            {step: [embed_each(model, X, y) for model in models] for step, models in runs.items()},
            labels,
            embeddings_test=held_out,
            labels_test=labels_test,
            shared=shared,
            nuisances=nuisances,
            test_size=test_size,
            random_state=random_state,
            step_name=step_name,
            names=names,
            axes=axes,
        )

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
        random_state: int | None = 0,
        step_name: str = "beta",
        names: Mapping[str, str] | None = None,
        axes: Axes | Iterable[Axes] | None = None,
    ) -> Self:
        """Probe the embeddings of each step and modality, and plot kept against leaked.

        Parameters
        ----------
        embeddings : mapping of float to mapping of str to array-like (n, d)
            Step -> modality -> embeddings, or a list of such mappings, one per run, of which mean
            and standard deviation are drawn.
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
        step_name : str, default="beta"
            What steps count, such as "beta" or "epoch".
        names : mapping of str to str, default=None
            Modality -> name to show; the key where it has none.
        axes : Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        InformationPlaneDisplay

        Raises
        ------
        ValueError
            If modalities, rows or factors do not fit together, or there is no shared factor or no
            nuisance.
        TypeError
            If a step is no number, or something else than mappings, tables and arrays came.
        """
        probing = Probing(labels, shared, nuisances, labels_test, test_size, random_state)
        points = plane_from_tables(probing, embeddings, embeddings_test, names)
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
            Step -> modality -> the share of each factor's entropy that a probe reads, in [0, 1].
            A modality without nuisances has an empty "leakage".
        errors : mapping of float to {modality: {"leakage": number, "kept": number}}, default=None
            Standard deviations of the means over factors.
        step_name : str, default="beta"
            What steps count, such as "beta" or "epoch".
        names : mapping of str to str, default=None
            Modality -> name to show; the key where it has none.
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
            If a mapping or a number is expected and something else came.
        """
        return cls(plane_from_fractions(fractions, errors, names), step_name=step_name).plot(axes)

    def plot(self, axes: Axes | Iterable[Axes] | None = None) -> Self:
        """Draw the plane.

        Parameters
        ----------
        axes : Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self
        """
        lines = list(self.points.groupby("modality", sort=False))
        if axes is None:
            figure, panels = new_figure(1, n_columns=1, width=6.0, height=6.6, layout="compressed")
        else:
            panels = check_axes(axes, ["information plane"])
        ax = panels[0]
        _set_up(ax)
        key = [
            _draw_line(ax, str(modality), table.sort_values("step"), color, marker)
            for (modality, table), color, marker in zip(
                lines, MODALITY_COLORS, MODALITY_MARKERS, strict=False
            )
        ]
        star: Any = {"marker": "*", "markersize": 15, "color": ink(), "linestyle": ""}
        ax.plot(*_IDEAL, **star, clip_on=False, zorder=2, alpha=MUTED)
        ideal = import_pyplot().Line2D([], [], **star, alpha=MUTED, label="ideal")
        ideal.set_markersize(10)
        if axes is None:
            figure.legend(
                handles=[*key, ideal],
                loc="outside lower center",
                ncols=_n_columns(key),
                frameon=False,
                fontsize=NOTE_SIZE,
            )
        else:
            ax.legend(handles=[*key, ideal], fontsize=NOTE_SIZE, loc="lower right")
        self.axes_, self.figure_ = np.array(panels), figure_of(panels)
        label_steps(ax, self._labels(lines), [_IDEAL])
        return self

    def _labels(self, lines: list[tuple[Any, pd.DataFrame]]) -> list[list[StepLabel]]:
        """Return what to write at the points of each line."""
        symbol = _SYMBOLS.get(self.step_name, f"{self.step_name} ")
        found = []
        for (_, table), color in zip(lines, MODALITY_COLORS, strict=False):
            line = table.sort_values("step")
            ends = {line["step"].min(), line["step"].max()}
            columns = ["step", "leaked", "kept", "leaked_error", "kept_error"]
            numbers = line.reindex(columns=columns).fillna(0.0).to_numpy()
            found.append(
                [
                    StepLabel(x, y, f"{symbol if step in ends else ''}{step:g}", color, dx, dy)
                    for step, x, y, dx, dy in numbers
                ]
            )
        return found


def _n_columns(key: list[Line2D]) -> int:
    """Return all in one line, where it is short, or else two columns."""
    length = sum(6 + len(str(entry.get_label())) for entry in key)
    return len(key) + 1 if length < 60 else 2


def _set_up(ax: Axes) -> None:
    from matplotlib.patches import Circle
    from matplotlib.ticker import PercentFormatter

    headline(ax, "Information plane", "↖ better: keep what is shared, leak nothing else")
    limits = (-_SLACK, 1 + _SLACK)
    quarters = [0, 0.25, 0.5, 0.75, 1]
    ax.set(xlim=limits, ylim=limits, xticks=quarters, yticks=quarters, aspect="equal")
    ax.set_xlabel("leaked: share of the nuisances that a probe reads")
    ax.set_ylabel("kept: share of what is shared that a probe reads")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    clean(ax, grid="both")
    ax.grid(visible=False)
    for radius in (0.25, 0.5, 0.75, 1.0, 1.25):  # lines of one distance from the ideal
        ax.add_patch(
            Circle(_IDEAL, radius, fill=False, color=ink(), alpha=GRID, linewidth=0.8, zorder=0)
        )


def _draw_line(ax: Axes, modality: str, table: pd.DataFrame, color: str, marker: str) -> Line2D:
    """Draw the points of one modality and return its entry in the key."""
    known = table["leaked"].notna()
    style: dict[str, Any] = {
        "color": color,
        "marker": marker,
        "markersize": 7,
        "linewidth": 1.6,
        "markeredgecolor": paper(),
        "clip_on": False,
        "zorder": 4,
    }
    if known.any():
        moving = table[known]
        errors: Any = {
            axis: moving.get(f"{name}_error")
            for axis, name in (("xerr", "leaked"), ("yerr", "kept"))
        }
        if any(error is not None and error.notna().any() for error in errors.values()):
            ax.errorbar(
                moving["leaked"],
                moving["kept"],
                **errors,
                fmt="none",
                ecolor=color,
                alpha=FAINT + 0.15,
                elinewidth=1.2,
                zorder=3,
            )
        style["label"] = modality
        (line,) = ax.plot(moving["leaked"], moving["kept"], **style)
        return line
    style |= {
        "markerfacecolor": "none",
        "markeredgecolor": color,
        "linestyle": "",
        "label": f"{modality} (has nothing to leak)",
    }
    (line,) = ax.plot(np.zeros(len(table)), table["kept"], **style)
    return line
