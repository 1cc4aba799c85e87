"""The modality gap: both modalities of the same rows in one plane, partners joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .._checks.labels import as_labels
from .._checks.parameters import check_scalar
from ._estimators import as_estimators, embed_pairs, pair_labels
from ._matplotlib import check_axes, figure_of, import_pyplot, new_figure
from ._models import shown_names
from ._pairs import choose_rows, n_pairs, read_pairs
from ._projection import Projection, project
from ._style import (
    CLASS_COLORS,
    MODALITY_COLORS,
    MODALITY_MARKERS,
    NOTE_SIZE,
    TITLE_SIZE,
    clean,
    headline,
    ink,
    paper,
    wrap,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_COLUMNS = 3  # panels beside each other
_PANEL = 3.6  # inches
_MIN_LIMIT = 1e-3  # of the axes: rounding errors of collapsed embeddings look like one point


class ModalityGapDisplay:
    """Embeddings of two modalities in one plane per model, partners joined by lines.

    The plane is that of the first two principal components of all rows of both modalities. The
    shape of a marker tells the modality, its colour the class (of at most ten; otherwise the
    modality). Gap and cosine above a panel are those of the embeddings before projecting. It is
    best made with :meth:`from_estimator` or :meth:`from_embeddings`.

    Parameters
    ----------
    projections : mapping of str to Projection
        Model -> the pairs to draw.
    labels : Series (n,), default=None
        Classes of the pairs.

    Attributes
    ----------
    axes_ : ndarray of Axes (n_models,)
        One per model, all with the same limits.
    figure_ : Figure
        The figure they are in.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.inspection import ModalityGapDisplay
    >>> Z = np.random.default_rng(0).standard_normal((50, 8))
    >>> display = ModalityGapDisplay.from_embeddings({"ib": {"image": Z, "text": Z + 0.1}})
    >>> display.axes_[0].get_title(loc="left")
    'ib'
    """

    axes_: np.ndarray
    figure_: Figure

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
            Pairs, as `IBAligner.embed` takes them. Of :class:`mibsk.ClassPairs` one draw of
            partners is taken.
        modalities : tuple of two names, default=None
            Which to draw; None where there are two.
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
            If an estimator is no aligner, a modality is not there, or the data do not look like
            those of `fit`.
        """
        estimators = as_estimators(estimator)
        return cls.from_embeddings(
            {key: embed_pairs(model, X, y, modalities) for key, model in estimators.items()},
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
            Classes of the pairs. More than ten are not shown.
        max_pairs : int, default=300
            Draw at most so many pairs, chosen at random, the same for all models. Planes and
            measures are always those of all pairs.
        random_state : int or None, default=0
            Seed of that choice; None chooses anew.
        names : mapping of str to str, default=None
            Model -> name to show; the key where it has none.
        axes : Axes, one per model, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ModalityGapDisplay

        Raises
        ------
        ValueError
            If a model has not two modalities, the models differ in modalities or rows, or the
            arrays are no finite matrices of two columns or more.
        TypeError
            If something else than a mapping or an array came.
        """
        read = read_pairs(embeddings, min_columns=2)
        shown = shown_names(read, names)
        n = n_pairs(read)
        classes = None if labels is None else as_labels(labels, n, "labels")
        check_scalar("max_pairs", max_pairs, low=1, integer=True)
        rows = choose_rows(n, max_pairs, random_state)
        projections = {shown[key]: project(pair).take(rows) for key, pair in read.items()}
        return cls(projections, None if classes is None else classes.iloc[rows]).plot(axes)

    def plot(self, axes: Iterable[Axes] | None = None) -> Self:
        """Draw one panel per model.

        Parameters
        ----------
        axes : Axes, one per model, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self
        """
        key = self._key()
        if axes is None:
            panels = _new_figure(len(self.projections), key)
        else:
            panels = check_axes(axes, self.projections)
            panels[0].legend(handles=key, fontsize=NOTE_SIZE)
        points = [Z for found in self.projections.values() for Z in found.points.values()]
        limit = max(_MIN_LIMIT, *(1.08 * float(np.abs(Z).max()) for Z in points))
        for ax, (model, projection) in zip(panels, self.projections.items(), strict=True):
            self._draw(ax, projection)
            _set_up(ax, model, projection, limit)
        self.axes_, self.figure_ = np.array(panels), figure_of(panels)
        return self

    def _draw(self, ax: Axes, projection: Projection) -> None:
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
        """Return the classes where there are few enough to tell their colours apart."""
        if self.labels is None:
            return None
        classes = pd.Categorical(self.labels)
        return classes if len(classes.categories) <= len(CLASS_COLORS) else None

    def _key(self) -> list[Line2D]:
        """Return what explains shapes and colours: modalities first, then classes."""
        classes = self._classes()
        modalities = next(iter(self.projections.values())).points
        colors = MODALITY_COLORS if classes is None else (ink(), ink())
        entries = list(zip(modalities, MODALITY_MARKERS, colors, strict=False))
        if classes is not None:
            shapes = [
                (str(c), "s", color)
                for c, color in zip(classes.categories, CLASS_COLORS, strict=False)
            ]
            entries += shapes
        new_line = import_pyplot().Line2D
        return [
            new_line([], [], linestyle="", marker=marker, color=color, markersize=6, label=name)
            for name, marker, color in entries
        ]


def _new_figure(n_panels: int, key: list[Line2D]) -> list[Axes]:
    """Return the panels of a new figure, with the key below them."""
    n_columns = min(n_panels, _COLUMNS)
    width = max(_PANEL * n_columns, 5.0)
    lengths = [0.4 + 0.075 * len(str(entry.get_label())) for entry in key]  # inches, roughly
    n_lines = 1 if sum(lengths) < width else -(-len(key) // max(1, int(width / max(lengths))))
    figure, panels = new_figure(
        n_panels,
        n_columns=n_columns,
        width=width,
        height=(_PANEL + 0.4) * -(-n_panels // n_columns) + 0.3 + 0.2 * n_lines,
        layout="compressed",
    )
    figure.suptitle(
        "Both modalities in one space, partners joined",
        x=0.01,
        ha="left",
        fontsize=TITLE_SIZE,
        fontweight="bold",
    )
    figure.legend(
        handles=key,
        loc="outside lower center",
        ncols=-(-len(key) // n_lines),
        frameon=False,
        fontsize=NOTE_SIZE,
        handletextpad=0.1,
        columnspacing=1.2,
    )
    return panels


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
