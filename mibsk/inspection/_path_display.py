"""The cost of compression: held-out score and agreement of the modalities along beta."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ._display import Display
from ._inputs.fitted_aligners import last_step
from .drawing.curves import LineEnd, draw_mean, draw_range, label_line_ends
from .drawing.figures import MAX_WIDTH, new_figure
from .drawing.style import (
    BOTTLENECK,
    CONTRASTIVE,
    DASHED,
    MODEL_COLORS,
    MUTED,
    clean,
    headline,
    ink,
    label_size,
    paper,
    readable,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_QUANTITIES = {"divergence": "divergence of pairs", "modality_gap": "modality gap"}
_LOG_FACTOR = 30  # betas with a larger ratio are drawn on a logarithmic axis
_CHOSEN = CONTRASTIVE  # colour, unlike that of the scores
_ROOM = 0.16  # of the panel's height, above and below the scores, for names


class PathDisplay(Display):
    """Held-out score and agreement of the modalities against the weight `beta` of minimality.

    In the first panel, the line is the mean score over the folds, which are drawn as faint lines.
    The bar at each beta extends one standard error upwards and reaches the dashed line if that beta
    is as good as the best; the largest of these is chosen. In the second panel, divergence of pairs
    and modality gap in training, mean and range over the folds. Create it with
    :meth:`from_estimator`.

    Parameters
    ----------
    path : DataFrame
        One row per fold and beta, with columns ``beta``, ``fold``, ``score``, ``divergence`` and
        ``modality_gap``: `IBAlignerCV.path_`.
    beta : float
        The chosen beta.
    best_beta : float
        The beta with the highest mean score.
    standard_error : array-like (n_betas,)
        For each beta in ascending order; NaN where unknown.
    score_name : str, default="score"
        Name of the score.

    Attributes
    ----------
    axes_ : ndarray of Axes (2,)
        Score, and agreement of the modalities.
    figure_ : Figure
        The figure that contains them.

    Examples
    --------
    >>> from mibsk import IBAligner, IBAlignerCV
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.inspection import PathDisplay
    >>> halves = load_digits_halves().data[:200]
    >>> search = IBAlignerCV(IBAligner(max_epochs=2, random_state=0), betas=[0, 1], cv=2)
    >>> display = PathDisplay.from_estimator(search.fit(halves))
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['recall@1', 'distance']
    """

    def __init__(
        self,
        path: pd.DataFrame,
        *,
        beta: float,
        best_beta: float,
        standard_error: ArrayLike,
        score_name: str = "score",
    ) -> None:
        self.path = path
        self.beta = beta
        self.best_beta = best_beta
        self.standard_error = standard_error
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        score_name: str | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Plot the path of a fitted search.

        Parameters
        ----------
        estimator : IBAlignerCV, or Pipeline that ends with one
            Fitted.
        score_name : str, default=None
            Name of the score; None takes it from `scoring`.
        axes : two Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        PathDisplay

        Raises
        ------
        TypeError
            If the estimator has no path.
        """
        search = last_step(estimator)
        if not hasattr(search, "path_"):
            raise TypeError(
                "estimator must be a fitted IBAlignerCV or a Pipeline that ends with one, got "
                f"{estimator!r:.80}."
            )
        return cls(
            search.path_,
            beta=search.beta_,
            best_beta=search.best_beta_,
            standard_error=search.standard_error_,
            score_name=_name_of(search.scoring) if score_name is None else score_name,
        ).plot(axes)

    def _panel_names(self) -> tuple[str, ...]:
        return ("score", "alignment")

    def _new_panels(self) -> list[Axes]:
        return new_figure(2, n_columns=2, width=MAX_WIDTH, height=4.0)[1]

    def _draw(self, *, in_new_figure: bool) -> None:
        self._draw_scores(self.axes_[0])
        self._draw_alignment(self.axes_[1])

    def _draw_scores(self, ax: Axes) -> None:
        table = self.path.pivot(index="beta", columns="fold", values="score")
        means, color = table.mean(axis=1), BOTTLENECK
        best, errors = means[self.best_beta], np.asarray(self.standard_error, dtype=float)
        note = "faint: the folds; dashed: the highest mean"
        self._set_up(ax, self.score_name)
        if table.shape[1] > 1:
            ax.plot(table.index, table, color=color, alpha=0.55, linewidth=0.8)
        if np.isfinite(errors).all():
            note = "bar: one standard error, which must reach the highest mean (dashed)"
            reach = [np.zeros_like(errors), errors]
            ax.errorbar(
                table.index, means, reach, fmt="none", ecolor=color, elinewidth=1.6, capsize=3
            )
        ax.axhline(best, color=ink(), alpha=MUTED, linewidth=0.9, linestyle=DASHED)
        draw_mean(ax, means.to_frame("mean"), color, self.score_name)
        ax.plot(
            [self.beta],
            [means[self.beta]],
            color=_CHOSEN,
            marker="o",
            markersize=9,
            markeredgecolor=paper(),
            markeredgewidth=1.5,
            linestyle="none",
            label="chosen",
        )
        headline(ax, "Held-out score", note)
        low, high = ax.get_ylim()
        room = _ROOM * (high - low)
        ax.set_ylim(low - room, high + room)
        if self.beta == self.best_beta:
            self._name_beta(ax, self.beta, "best and chosen", _CHOSEN, 0.03)
        else:
            self._name_beta(ax, self.best_beta, "best", color, 0.97)
            self._name_beta(ax, self.beta, "chosen", _CHOSEN, 0.03)

    def _draw_alignment(self, ax: Axes) -> None:
        ends = []
        self._set_up(ax, "distance")
        for color, (quantity, name) in zip(MODEL_COLORS[2:], _QUANTITIES.items(), strict=False):
            over_folds = self.path.groupby("beta")[quantity].agg(["mean", "min", "max"])
            draw_range(ax, over_folds, color)
            draw_mean(ax, over_folds, color, name)
            ends.append(LineEnd(over_folds.index[-1], over_folds["mean"].iloc[-1], name, color))
        ax.axvline(self.beta, color=_CHOSEN, linewidth=1.2, label="chosen")
        headline(ax, "Agreement of the modalities", "low: partners meet, in one place")
        ax.set_ylim(0.0, max(ax.get_ylim()[1], 1e-3))
        label_line_ends(ax, ends)

    def _set_up(self, ax: Axes, label: str) -> None:
        from matplotlib.ticker import FuncFormatter

        betas = np.unique(self.path["beta"])
        positive = betas[betas > 0]
        if len(positive) and positive[-1] > _LOG_FACTOR * positive[0]:
            ax.set_xscale("symlog", linthresh=positive[0])
            ax.xaxis.get_major_locator().set_params(numticks=6)  # type: ignore[call-arg]
        ax.xaxis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{value:g}" if value >= 0 else "")
        )
        ax.set(xlabel="weight of minimality β", ylabel=label)
        clean(ax, grid="y")

    def _name_beta(self, ax: Axes, beta: float, text: str, color: str, height: float) -> None:
        """Draw a line at a beta and name it, on the side where there is more room."""
        low, high = ax.transData.inverted().transform(ax.transAxes.transform([(0.0, 0), (0.5, 0)]))
        on_the_left = low[0] <= beta <= high[0]
        ax.axvline(beta, color=color, linewidth=1.2, alpha=0.6, zorder=0)
        ax.annotate(
            f"{text}, β = {beta:g}",
            (beta, height),
            xytext=(5 if on_the_left else -5, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="left" if on_the_left else "right",
            va="top" if height > 0.5 else "bottom",
            fontsize=label_size(),
            fontweight="bold",
            color=readable(color),
            bbox={"facecolor": paper(), "edgecolor": "none", "pad": 1.5},
        )


def _name_of(scoring: Any) -> str:
    """Return the name of the score of a search."""
    if scoring is None:
        return "recall@1"
    named = getattr(scoring, "name", getattr(scoring, "__name__", "score"))
    return scoring if isinstance(scoring, str) else str(named)
