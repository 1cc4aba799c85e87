"""The modality gap: both modalities of the same rows in one plane, partners connected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ._display import Display
from ._inputs.fitted_aligners import embed_pairs, pair_labels
from ._inputs.pair_projection import Projection, project
from ._inputs.paired_embeddings import factor_name, sample_pairs
from .drawing.figures import legend_below, legend_columns, new_figure, title_figure
from .drawing.style import (
    CLASS_COLORS,
    MODALITY_COLORS,
    MODALITY_MARKERS,
    clean,
    headline,
    ink,
    note_size,
    paper,
)
from .drawing.text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_COLUMNS = 3  # most panels per row
_PANEL = 3.6  # inches
_MIN_LIMIT = 1e-3  # of the axes, so that rounding errors of collapsed embeddings look like a point


class ModalityGapDisplay(Display):
    """Embeddings of two modalities in one plane per model, partners connected by lines.

    The plane is spanned by the first two principal components of all rows of both modalities. The
    shape of a marker shows the modality, its colour the class (if there are at most ten; otherwise
    the modality). Gap and cosine above a panel are computed before the projection. Create it with
    :meth:`from_estimator` or :meth:`from_embeddings`.

    Parameters
    ----------
    projections : mapping of str to Projection
        Model -> the pairs to draw.
    labels : Series (n,), default=None
        Classes of the pairs; its name is that of the factor.

    Attributes
    ----------
    axes_ : ndarray of Axes (n_models,)
        One per model, all with the same limits.
    figure_ : Figure
        The figure that contains them.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.inspection import ModalityGapDisplay
    >>> Z = np.random.default_rng(0).standard_normal((50, 8))
    >>> display = ModalityGapDisplay.from_embeddings({"ib": {"image": Z, "text": Z + 0.1}})
    >>> display.axes_[0].get_title(loc="left")
    'ib'
    """

    def __init__(
        self, projections: Mapping[str, Projection], labels: pd.Series[Any] | None = None
    ) -> None:
        self.projections = projections
        self.labels = labels

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        modalities: tuple[str, str] | None = None,
        labels: ArrayLike | None = None,
        max_pairs: int = 300,
        random_state: int | None = 0,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Embed pairs with fitted aligners and plot them.

        Parameters
        ----------
        estimator : IBAligner, Pipeline that ends with one, or mapping of str to those
            Fitted; one panel each.
        X, y : data
            Pairs, the input of `IBAligner.embed`. For :class:`mibsk.ClassPairs`, one draw of
            partners is used.
        modalities : tuple of two str, default=None
            Modalities to draw; None requires that there are two.
        labels : array-like (n,), default=None
            Classes of the pairs; None takes those of :class:`mibsk.ClassPairs`.
        max_pairs, random_state, names, axes
            As in :meth:`from_embeddings`.

        Returns
        -------
        ModalityGapDisplay

        Raises
        ------
        ValueError, TypeError
            If an estimator is not an aligner, a modality is missing, or the data do not match
            those of `fit`.
        """
        return cls.from_embeddings(
            embed_pairs(estimator, X, y, modalities),
            labels=pair_labels(X, labels),
            max_pairs=max_pairs,
            random_state=random_state,
            names=names,
            axes=axes,
        )

    @classmethod
    def from_embeddings(
        cls,
        embeddings: Mapping[str, Any],
        *,
        labels: ArrayLike | None = None,
        max_pairs: int = 300,
        random_state: int | None = 0,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Project the embeddings of each model and plot them.

        Parameters
        ----------
        embeddings : mapping of two names to array-like (n, d), or mapping of str to those
            Modality -> embeddings, as `IBAligner.embed` returns them, or model -> modality ->
            embeddings. Row i is the same pair throughout; d may differ between models.
        labels : array-like (n,), default=None
            Classes of the pairs. More than ten are not shown. The name of a Series is shown as
            that of the factor.
        max_pairs : int, default=300
            Draw at most this many pairs, chosen at random, the same for all models. Planes and
            measures are always those of all pairs.
        random_state : int or None, default=0
            Seed of that choice; None gives a different one each time.
        names : mapping of str to str, default=None
            Model -> name to show, by default the key.
        axes : Axes, one per model, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ModalityGapDisplay

        Raises
        ------
        ValueError
            If a model does not have two modalities, the models differ in modalities or rows, or
            the arrays are not finite matrices of at least two columns.
        TypeError
            If something is not a mapping or an array.
        """
        models, rows, classes = sample_pairs(
            embeddings, labels, max_pairs, random_state, names, min_columns=2
        )
        projections = {name: project(pair).take(rows) for name, pair in models.items()}
        return cls(projections, classes).plot(axes)

    def _panel_names(self) -> list[str]:
        return list(self.projections)

    def _new_panels(self) -> list[Axes]:
        n_panels, key = len(self.projections), self._key()
        n_columns = min(n_panels, _COLUMNS)
        width = max(_PANEL * n_columns, 5.0)
        figure, panels = new_figure(
            n_panels,
            n_columns=n_columns,
            width=width,
            height=(_PANEL + 0.4) * -(-n_panels // n_columns) + 0.5,
            layout="compressed",
        )
        title_figure(figure, "Both modalities in one space, partners joined")
        n_lines = -(-len(key) // legend_columns(figure, key))
        figure.set_figheight(figure.get_figheight() + 0.2 * (n_lines - 1))
        legend_below(figure, key, -(-len(key) // n_lines), handletextpad=0.1, columnspacing=1.2)
        return panels

    def _draw(self, *, in_new_figure: bool) -> None:
        if not in_new_figure:
            self.axes_[0].legend(handles=self._key(), fontsize=note_size())
        points = [Z for found in self.projections.values() for Z in found.points.values()]
        limit = max(_MIN_LIMIT, *(1.08 * float(np.abs(Z).max()) for Z in points))
        for ax, (model, projection) in zip(self.axes_, self.projections.items(), strict=True):
            self._draw_pairs(ax, projection)
            _set_up(ax, model, projection, limit)

    def _draw_pairs(self, ax: Axes, projection: Projection) -> None:
        from matplotlib.collections import LineCollection

        Z, W = projection.points.values()
        pairs = np.stack([Z, W], axis=1)  # (n, 2 ends, 2 coordinates)
        ax.add_collection(
            LineCollection(list(pairs), colors=ink(), alpha=0.25, linewidths=0.7, zorder=1)
        )
        classes = self._classes()
        for i, (modality, points) in enumerate(projection.points.items()):
            colors: Any = MODALITY_COLORS[i]
            if classes is not None:
                colors = np.take(CLASS_COLORS, classes.codes)
            ax.scatter(
                points[:, 0],
                points[:, 1],
                c=colors,
                marker=MODALITY_MARKERS[i],
                s=22,
                alpha=0.85,
                linewidths=0.4,
                edgecolors=paper(),
                label=modality,
                zorder=2,
            )

    def _classes(self) -> pd.Categorical | None:
        """Return the classes if there are at most as many as colours."""
        if self.labels is None:
            return None
        classes = pd.Categorical(self.labels)
        return classes if len(classes.categories) <= len(CLASS_COLORS) else None

    def _key(self) -> list[Line2D]:
        """Return the entries of the legend: modalities, then the factor and its classes."""
        from matplotlib.lines import Line2D

        classes = self._classes()
        modalities = next(iter(self.projections.values())).points
        colors = MODALITY_COLORS if classes is None else (ink(), ink())
        entries = list(zip(modalities, MODALITY_MARKERS, colors, strict=False))
        if classes is not None:
            names = map(str, classes.categories)
            entries.append((f"{factor_name(self.labels)}:", "", ink()))
            entries += [(c, "s", color) for c, color in zip(names, CLASS_COLORS, strict=False)]
        return [
            Line2D([], [], linestyle="", marker=marker, color=color, markersize=6, label=name)
            for name, marker, color in entries
        ]


def _set_up(ax: Axes, model: str, projection: Projection, limit: float) -> None:
    from matplotlib.ticker import MaxNLocator

    first, second = projection.explained_variance_ratio
    note = f"modality gap {projection.modality_gap:.2f} · pair cosine {projection.pair_cosine:.2f}"
    headline(ax, wrap(model, 26), note)
    ax.set(
        xlim=(-limit, limit),
        ylim=(-limit, limit),
        aspect="equal",
        xlabel=f"PC 1 ({first:.0%} of variance)",
        ylabel=f"PC 2 ({second:.0%} of variance)",
    )
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    clean(ax, grid="both")
