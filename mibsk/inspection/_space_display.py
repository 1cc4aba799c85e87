"""The shared space: both modalities of the same rows in one plane, partners joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .._validation import check_scalar
from ..metrics._arrays import FloatMatrix, as_labels, as_matrix, check_same_columns
from ._matplotlib import check_axes, figure_of, import_pyplot, new_figure
from ._models import check_models, shown_names
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


class SpaceDisplay:
    """Embeddings of two modalities in one plane per model, partners joined by lines.

    The plane is that of the first two principal components of all rows of both modalities. The
    shape of a marker tells the modality, its colour the class (of at most ten; otherwise the
    modality). Gap and cosine above a panel are those of the embeddings before projecting. It is
    best made with :meth:`from_embeddings`.

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
    >>> from mibsk.inspection import SpaceDisplay
    >>> Z = np.random.default_rng(0).standard_normal((50, 8))
    >>> display = SpaceDisplay.from_embeddings({"ib": {"image": Z, "text": Z + 0.1}})
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
    def from_embeddings(
        cls,
        embeddings: Mapping[str, Mapping[str, ArrayLike]],
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
        embeddings : mapping of str to mapping of two names to array-like (n, d)
            Model -> modality -> embeddings, as `IBAligner.embed` returns them. Row i is the same
            pair throughout; d may differ between models.
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
        SpaceDisplay

        Raises
        ------
        ValueError
            If a model has not two modalities, the models differ in modalities or rows, or the
            arrays are no finite matrices of two columns or more.
        TypeError
            If something else than a mapping or an array came.
        """
        check_models(embeddings, "embeddings")
        shown = shown_names(embeddings, names)
        read = {key: _read(embeddings[key], f"embeddings[{key!r}]") for key in embeddings}
        n = _check_same_rows(read)
        classes = None if labels is None else as_labels(labels, n, "labels")
        check_scalar("max_pairs", max_pairs, low=1, integer=True)
        rows = np.arange(n)
        if n > max_pairs:
            rng = np.random.default_rng(random_state)
            rows = np.sort(rng.choice(n, max_pairs, replace=False))
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
            LineCollection(list(pairs), colors=ink(), alpha=0.13, linewidths=0.6, zorder=1)
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
                s=26,
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
        entries = list(zip(modalities, MODALITY_MARKERS, colors, strict=True))
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


def _read(pair: Any, where: str) -> dict[str, FloatMatrix]:
    """Return both modalities of one model as matrices with the same shape."""
    if not isinstance(pair, Mapping):
        raise TypeError(
            f"{where} must map two modalities to their embeddings, got {type(pair).__name__}: pass "
            "what aligner.embed returns"
        )
    if len(pair) != 2:
        raise ValueError(
            f"{where} must hold two modalities, got {len(pair)}: {list(pair)}. Choose two"
        )
    matrices = {str(name): as_matrix(Z, f"{where}[{name!r}]") for name, Z in pair.items()}
    (first, Z), (second, W) = matrices.items()
    check_same_columns(Z, W, (f"{where}[{first!r}]", f"{where}[{second!r}]"))
    if Z.shape[1] < 2:
        raise ValueError(f"{where} must have 2 columns or more to be seen in a plane, got 1")
    return matrices


def _check_same_rows(models: Mapping[str, Mapping[str, FloatMatrix]]) -> int:
    """Return the number of pairs, the same for all models and modalities."""
    first = next(iter(models.values()))
    for key, pair in models.items():
        if list(pair) != list(first):
            raise ValueError(
                f"all models must embed the same modalities in the same order, got {list(first)} "
                f"and, for {key!r}, {list(pair)}"
            )
    lengths = {(key, name): len(Z) for key, pair in models.items() for name, Z in pair.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{key}/{name}: {n}" for (key, name), n in lengths.items())
        raise ValueError(
            f"row i must be the same pair in all embeddings, got unequal numbers of rows ({found}):"
            " pass as many rows in all"
        )
    return next(iter(lengths.values()))
