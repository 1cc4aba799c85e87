"""The pair matrix: the cosine of every row of one modality with every row of the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .._checks.devices import FloatMatrix
from ._display import Display
from ._inputs.fitted_aligners import embed_pairs, pair_labels
from ._inputs.paired_embeddings import cosines, factor_name, sample_pairs
from .drawing.figures import figure_of, new_figure
from .drawing.style import MUTED, NEAR, RIGHT, clean, headline, ink, note_size, paper
from .drawing.text import shorten, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = ("matrix", "distribution")
_COLORMAP = "viridis"
_N_BINS = 50
_MAX_NAMES = 24  # most classes that are named beside the matrix
_MIN_BLOCK = 0.035  # of the matrix: smaller blocks have no room for their name


class SimilarityDisplay(Display):
    """Cosines of all pairs of rows of two modalities, and how those of partners differ.

    One row of two panels per model. At the left the matrix: its diagonal holds the partners; with
    labels, the rows are sorted by class, with lines between classes. At the right the distributions
    of cosines of partners and of all others; with labels, those of one class are separate. Create
    it with :meth:`from_estimator` or :meth:`from_embeddings`.

    Parameters
    ----------
    similarities : mapping of str to ndarray (n, n)
        Model -> cosines; row i and column i are partners.
    labels : Series (n,), default=None
        Classes of the pairs, sorted by class; its name is that of the factor.
    modalities : tuple of two str, default=("first", "second")
        Names of rows and columns.

    Attributes
    ----------
    axes_ : ndarray of Axes (n_models, 2)
        Matrix and distribution of each model.
    figure_ : Figure
        The figure that contains them.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.inspection import SimilarityDisplay
    >>> Z = np.random.default_rng(0).standard_normal((50, 8))
    >>> display = SimilarityDisplay.from_embeddings({"image": Z, "text": Z + 0.1})
    >>> display.similarities["image and text"].shape
    (50, 50)
    """

    def __init__(
        self,
        similarities: Mapping[str, FloatMatrix],
        labels: pd.Series[Any] | None = None,
        *,
        modalities: tuple[str, str] = ("first", "second"),
    ) -> None:
        self.similarities = similarities
        self.labels = labels
        self.modalities = modalities

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        modalities: tuple[str, str] | None = None,
        labels: ArrayLike | None = None,
        max_pairs: int = 150,
        random_state: int | None = 0,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Embed pairs with fitted aligners and plot their cosines.

        Parameters
        ----------
        estimator : IBAligner, Pipeline that ends with one, or mapping of str to those
            Fitted; one row of panels each.
        X, y : data
            Pairs, the input of `IBAligner.embed`. For :class:`mibsk.ClassPairs`, one draw of
            partners is used.
        modalities : tuple of two str, default=None
            Rows and columns of the matrix; None requires that there are two modalities.
        labels : array-like (n,), default=None
            Classes of the pairs; None takes those of :class:`mibsk.ClassPairs`.
        max_pairs, random_state, names, axes
            As in :meth:`from_embeddings`.

        Returns
        -------
        SimilarityDisplay

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
        max_pairs: int = 150,
        random_state: int | None = 0,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Compute the cosines of all pairs of rows and plot them.

        Parameters
        ----------
        embeddings : mapping of two names to array-like (n, d), or mapping of str to those
            Modality -> embeddings, as `IBAligner.embed` returns them, or model -> modality ->
            embeddings. Row i is the same pair throughout; d may differ between models.
        labels : array-like (n,), default=None
            Classes of the pairs, by which rows are sorted. The name of a Series is shown as that of
            the factor.
        max_pairs : int, default=150
            Draw at most this many pairs, chosen at random, the same for all models.
        random_state : int or None, default=0
            Seed of that choice; None gives a different one each time.
        names : mapping of str to str, default=None
            Model -> name to show, by default the key.
        axes : Axes, two per model, default=None
            Where to draw: matrix and distribution of each model in turn; None makes a figure.

        Returns
        -------
        SimilarityDisplay

        Raises
        ------
        ValueError
            If a model does not have two modalities, the models differ in modalities or rows, or
            the arrays are not finite matrices.
        TypeError
            If something is not a mapping or an array.
        """
        models, rows, classes = sample_pairs(
            embeddings, labels, max_pairs, random_state, names, min_pairs=2
        )
        if classes is not None:
            order = np.argsort(pd.Categorical(classes).codes, kind="stable")
            rows, classes = rows[order], classes.iloc[order].reset_index(drop=True)
        first, second = next(iter(models.values()))
        found = {
            name: cosines(pair[first][rows], pair[second][rows]) for name, pair in models.items()
        }
        return cls(found, classes, modalities=(first, second)).plot(axes)

    def _panel_names(self) -> list[list[str]]:
        return [[f"{panel} of {model}" for panel in _PANELS] for model in self.similarities]

    def _new_panels(self) -> list[Axes]:
        n_models = len(self.similarities)
        return new_figure(
            2 * n_models,
            n_columns=2,
            width=10.0,
            height=0.3 + 4.6 * n_models,
            width_ratios=(1.2, 1),
        )[1]

    def _draw(self, *, in_new_figure: bool) -> None:
        low = min(float(np.percentile(S, 1)) for S in self.similarities.values())
        low = max(-1.0, min(0.0, np.floor(10 * low) / 10))
        lowest = min(0.0, *(float(S.min()) for S in self.similarities.values()))
        edges = np.linspace(lowest, 1.0, _N_BINS + 1).tolist()
        models = self.similarities.items()
        for (matrix, distribution), (model, S) in zip(self.axes_, models, strict=True):
            self._draw_matrix(matrix, model, S, low)
            self._draw_distribution(distribution, S, edges)

    def _draw_matrix(self, ax: Axes, model: str, S: FloatMatrix, low: float) -> None:
        rows, columns = (shorten(name, 24) for name in self.modalities)
        if self.labels is not None:
            factor = shorten(factor_name(self.labels), 24)
            rows, columns = (f"{name}, sorted by {factor}" for name in (rows, columns))
        headline(ax, wrap(model, 36), "diagonal: partners")
        image = ax.imshow(S, cmap=_COLORMAP, vmin=low, vmax=1, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.set_xlabel(columns, fontsize=note_size())
        ax.set_ylabel(rows, fontsize=note_size())
        ax.spines[:].set_visible(False)
        bar = figure_of(ax).colorbar(image, ax=ax, shrink=0.8, pad=0.03)
        bar.set_label("cosine", fontsize=note_size())
        bar.ax.tick_params(length=0, labelsize=note_size())
        bar.outline.set_visible(False)
        if self.labels is not None:
            _mark_blocks(ax, self.labels)

    def _draw_distribution(self, ax: Axes, S: FloatMatrix, edges: list[float]) -> None:
        groups = self._groups(S)
        highest = 0.0
        for name, (found, color) in groups.items():
            label = f"{name}: mean {found.mean():.2f}".replace("-", "−")
            style: Any = {"density": True, "color": color}
            heights, _, _ = ax.hist(found, edges, alpha=0.35, **style)
            ax.hist(found, edges, histtype="step", linewidth=1.6, label=label, **style)
            highest = max(highest, float(np.max(heights)))
        headline(ax, "Cosines", "of partners, and of rows that are not")
        ax.set(xlabel="cosine", ylabel="density", yticks=[])
        ax.set_ylim(0, highest * (1.1 + 0.09 * len(groups)))
        clean(ax, grid="x")
        ax.spines["left"].set_visible(False)
        ax.legend(loc="upper left", frameon=False, fontsize=note_size())

    def _groups(self, S: FloatMatrix) -> dict[str, tuple[np.ndarray, Any]]:
        """Return the cosines of each kind of pair, and its colour."""
        from matplotlib.colors import to_rgba

        partner = np.eye(len(S), dtype=bool)
        neutral = to_rgba(ink(), MUTED)
        groups: dict[str, tuple[np.ndarray, Any]] = {"partners": (S[partner], RIGHT)}
        if self.labels is None:
            groups["others"] = (S[~partner], neutral)
        else:
            codes = pd.factorize(self.labels)[0]
            same = codes[:, None] == codes
            factor = shorten(factor_name(self.labels), 24)
            groups[f"same {factor}"] = (S[same & ~partner], NEAR)
            groups[f"another {factor}"] = (S[~same], neutral)
        return {name: group for name, group in groups.items() if len(group[0])}


def _mark_blocks(ax: Axes, labels: pd.Series[Any]) -> None:
    """Draw lines between classes, and name those with enough room beside the rows."""
    codes, classes = pd.factorize(labels)
    starts = np.flatnonzero(np.r_[True, np.diff(codes) != 0])
    stops = np.r_[starts[1:], len(codes)]
    if len(starts) > len(codes) / 4:  # blocks too small to be visible
        return
    style: Any = {"color": paper(), "linewidth": 0.8, "alpha": 0.75}
    for start in starts[1:]:
        ax.axhline(start - 0.5, **style)
        ax.axvline(start - 0.5, **style)
    if len(starts) <= _MAX_NAMES:
        roomy = stops - starts >= _MIN_BLOCK * len(codes)
        ax.set_yticks(
            ((starts + stops - 1) / 2)[roomy],
            [shorten(str(classes[codes[start]]), 14) for start in starts[roomy]],
            fontsize=note_size(),
        )
        ax.tick_params(length=0)
