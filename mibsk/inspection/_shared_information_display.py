"""What several modalities share, by the sets of modalities that share it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._checks.parameters import check_scalar
from ..metrics import information_by_subset
from ..metrics.statistics import Estimate
from ._display import Display
from ._inputs.fitted_aligners import last_step, prepare
from .drawing.figures import new_figure
from .drawing.style import CLOSED_FORM, GRID, clean, headline, ink, label_size
from .drawing.text import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Subset = tuple[str, ...]

_NAME_WIDTH = 23  # characters
_COLUMN, _ROW = 0.5, 0.32  # inches of a set and of a modality
_BARS = 2.6  # inches


class SharedInformationDisplay(Display):
    """Information that modalities share, by the sets of modalities that share it.

    Above, one bar for each set, in nats, with its interval, the largest first; below, the
    modalities that are in it: an UpSet plot [1]_. Create it with :meth:`from_estimator` or
    :meth:`from_embeddings`.

    Parameters
    ----------
    information : mapping of tuple of str to Estimate
        Information of each set.
    names : sequence of str
        Names of all modalities, in the order in which they are drawn.
    max_sets : int, default=20
        Largest number of sets that are drawn.

    Attributes
    ----------
    axes_ : ndarray of Axes (2,)
        The bars, and the sets.
    figure_ : Figure
        The figure that contains them.

    References
    ----------
    .. [1] Lex, Gehlenborg, Strobelt, Vuillemot and Pfister, "UpSet: Visualization of Intersecting
       Sets", IEEE Transactions on Visualization and Computer Graphics 20, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.inspection import SharedInformationDisplay
    >>> rng = np.random.default_rng(0)
    >>> f = rng.standard_normal((2000, 3))
    >>> columns = {"image": [0, 1], "text": [0, 1], "audio": [0, 2]}
    >>> Z = {name: f[:, c] + 0.5 * rng.standard_normal((2000, 2)) for name, c in columns.items()}
    >>> display = SharedInformationDisplay.from_embeddings(Z)
    >>> len(display.axes_[0].patches)  # one bar for each set
    2
    """

    def __init__(
        self, information: Mapping[Subset, Estimate], names: Sequence[str], *, max_sets: int = 20
    ) -> None:
        self.information = information
        self.names = names
        self.max_sets = max_sets

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        level: float = 0.95,
        max_sets: int = 20,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Plot what the modalities of a fitted estimator share.

        Parameters
        ----------
        estimator : CanonicalBottleneck, IBAligner, or Pipeline that ends with one
            Fitted. Of a `CanonicalBottleneck` it is ``information_by_subset_``.
        X, y : data, default=None
            Rows that an `IBAligner` embeds, the input of `IBAligner.embed`, which should not be
            those of `fit`; a `CanonicalBottleneck` needs none, and embeds them if there are any.
            Of embedded rows, those are used that lack no modality.
        level : float, default=0.95
            Level of the intervals, of embedded rows.
        max_sets, axes
            As in :meth:`from_embeddings`.

        Returns
        -------
        SharedInformationDisplay

        Raises
        ------
        ValueError, TypeError
            If the estimator is not an aligner, or rows are needed and not given.
        """
        if X is not None:
            aligner, rows = prepare(estimator, X)
            embedded = aligner.embed(rows, y)
            complete = ~np.isnan([z[:, 0] for z in embedded.values()]).any(axis=0)
            embedded = {name: z[complete] for name, z in embedded.items()}
            return cls.from_embeddings(embedded, level=level, max_sets=max_sets, axes=axes)
        fitted = last_step(estimator)
        if not hasattr(fitted, "information_by_subset_"):
            raise TypeError(
                "without X, estimator must be a fitted CanonicalBottleneck or a Pipeline that ends "
                f"with one, got {estimator!r:.80}: pass rows that it embeds as X."
            )
        _check_max_sets(max_sets)
        found = cls(fitted.information_by_subset_, fitted.modality_names_, max_sets=max_sets)
        return found.plot(axes)

    @classmethod
    def from_embeddings(
        cls,
        embeddings: Mapping[str, ArrayLike],
        *,
        level: float = 0.95,
        max_sets: int = 20,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Measure what embeddings share, and plot it.

        Parameters
        ----------
        embeddings : mapping of str to array-like (n, d)
            Embeddings of each modality; row `i` of each belongs together.
        level : float, default=0.95
            Level of the intervals.
        max_sets : int, default=20
            Largest number of sets that are drawn: those with the most information.
        axes : two Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        SharedInformationDisplay

        Raises
        ------
        ValueError, TypeError
            As :func:`mibsk.metrics.information_by_subset`.
        """
        _check_max_sets(max_sets)
        found = information_by_subset(embeddings, level=level)
        return cls(found, list(embeddings), max_sets=max_sets).plot(axes)

    def _panel_names(self) -> tuple[str, ...]:
        return ("information", "sets")

    def _sets(self) -> list[Subset]:
        """Return the sets to draw, those with the most information first."""
        order = sorted(self.information, key=lambda subset: -self.information[subset].value)
        return order[: self.max_sets]

    def _new_panels(self) -> list[Axes]:
        below = max(_ROW * len(self.names), 0.6)
        longest = max(len(shorten(str(name), _NAME_WIDTH)) for name in self.names)
        width = 2.2 + 0.08 * longest + _COLUMN * max(len(self._sets()), 4)
        return new_figure(
            2,
            n_columns=1,
            width=width,
            height=_BARS + below + 0.8,
            height_ratios=(_BARS, below),
            padding=(0.13, 0.08),
        )[1]

    def _draw(self, *, in_new_figure: bool) -> None:
        bars, dots = self.axes_
        sets = self._sets()
        places = np.arange(len(sets))
        values = np.array([self.information[subset].value for subset in sets])
        ends = np.array([[self.information[s].low, self.information[s].high] for s in sets])
        bars.bar(places, values, width=0.62, color=CLOSED_FORM)
        if sets:
            reach = np.abs(ends.T - values)
            bars.errorbar(places, values, reach, fmt="none", ecolor=ink(), elinewidth=1.2)
        else:
            bars.text(0.5, 0.5, "nothing shared", ha="center", transform=bars.transAxes)
        clean(bars, grid="y")
        bars.set(ylabel="nats", xticks=[])
        bars.set_ylim(bottom=0)
        hidden = len(self.information) - len(sets)
        note = "information and interval, by who shares it"
        headline(bars, "Shared information", note + (f"; {hidden} more" if hidden else ""))
        self._draw_sets(dots, sets)
        for ax in (bars, dots):
            ax.set_xlim(-0.6, max(len(sets), 1) - 0.4)

    def _draw_sets(self, ax: Axes, sets: Sequence[Subset]) -> None:
        names = list(self.names)
        rows = np.arange(len(names))
        for row in rows[::2]:
            ax.axhspan(row - 0.5, row + 0.5, color=ink(), alpha=GRID / 2, linewidth=0)
        for place, subset in enumerate(sets):
            members = [names.index(name) for name in subset]
            others = np.setdiff1d(rows, members)
            ax.plot(np.full(len(others), place), others, "o", color=ink(), alpha=GRID, markersize=7)
            ax.plot([place] * len(members), members, "o-", color=ink(), markersize=7, linewidth=1.6)
        labels = [shorten(str(name), _NAME_WIDTH) for name in names]
        ax.set_yticks(rows, labels, fontsize=label_size())
        ax.set_xticks([])
        ax.tick_params(length=0)
        ax.set_ylim(len(names) - 0.5, -0.5)
        for side in ("top", "right", "bottom", "left"):
            ax.spines[side].set_visible(False)


def _check_max_sets(max_sets: Any) -> None:
    check_scalar("max_sets", max_sets, low=1, integer=True)
