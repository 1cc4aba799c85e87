"""Retrieval: queries of one modality with their nearest neighbours in the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._checks.row_names import check_row_names
from ._display import Display
from ._inputs.fitted_aligners import are_class_pairs, choose_two, prepare
from ._inputs.query_neighbours import Nearest, find_nearest
from .drawing.figures import MAX_WIDTH, new_figure, note_figure, title_figure
from .drawing.item_drawers import Drawer, make_drawer, take_items
from .drawing.style import FAINT, MUTED, RIGHT, WRONG, ink, note_size, readable, title_size
from .drawing.text import characters_across, shorten, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELL, _GAP = 1.3, 0.3  # inches; the gap is between a query and its neighbours
_FONT = "DejaVu Sans"  # part of matplotlib; has both marks
_MARKS = {True: ("✓", RIGHT, "-", 2.4), False: ("✗", WRONG, (0, (2.5, 1.5)), 1.8)}
_MIN_WIDTH = 5.0  # inches, of title and note
_SHORT = 4  # most characters of a class name that is beside a cosine, not below it
_CHARACTER = 0.68  # width of a bold letter, over its size


class RetrievalDisplay(Display):
    """Queries of one modality, each with its nearest neighbours in the other.

    One row per query, the nearest first. Items are drawn as images, spectrograms, waveforms or
    text, each neighbour with its cosine below. Correct neighbours have a tick and a solid blue
    frame, all others a cross and a dashed orange one. Create it with :meth:`from_estimator` or
    :meth:`from_embeddings`.

    Parameters
    ----------
    nearest : Nearest
        Rows, cosines, and which of them are correct.
    queries : list (n_queries,)
        The items of the queries: arrays (height, width), (height, width, channels), (channels,
        height, width) or (length,), or strings.
    gallery : list of lists (n_queries, k)
        The items of their neighbours.
    names : tuple of two str, default=("query", "gallery")
        Names of queries and gallery.
    kinds : tuple of two of {"image", "spectrogram", "waveform", "text", None}, default=(None, None)
        How to draw queries and gallery; None infers it from their shapes.

    Attributes
    ----------
    axes_ : ndarray of Axes (n_queries, 1 + k)
        Query and neighbours of each row.
    figure_ : Figure
        The figure that contains them.

    See Also
    --------
    mibsk.metrics.recall_at_k : The fraction of queries with a correct neighbour.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.inspection import RetrievalDisplay
    >>> Z = np.random.default_rng(0).standard_normal((6, 4))
    >>> display = RetrievalDisplay.from_embeddings(
    ...     Z, Z + 0.1, queries=["a", "b", "c", "d", "e", "f"], gallery=np.ones((6, 8, 8)),
    ...     n_queries=2, k=3,
    ... )
    >>> display.axes_.shape, display.nearest.is_right[:, 0].tolist()
    ((2, 4), [True, True])
    """

    def __init__(
        self,
        nearest: Nearest,
        queries: Sequence[Any],
        gallery: Sequence[Sequence[Any]],
        *,
        names: tuple[str, str] = ("query", "gallery"),
        kinds: tuple[str | None, str | None] = (None, None),
    ) -> None:
        self.nearest = nearest
        self.queries = queries
        self.gallery = gallery
        self.names = names
        self.kinds = kinds

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        query: str | None = None,
        gallery: str | None = None,
        items: Mapping[str, Any] | None = None,
        labels: Any = None,
        n_queries: int = 5,
        k: int = 5,
        rows: ArrayLike | None = None,
        kinds: Mapping[str, str] | None = None,
        random_state: int | None = 0,
        names: Mapping[str, str] | None = None,
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Embed pairs with a fitted aligner and plot what some of them retrieve.

        Parameters
        ----------
        estimator : IBAligner or Pipeline that ends with one
            Fitted.
        X, y : data
            Pairs, the input of `IBAligner.embed`. For :class:`mibsk.ClassPairs`, all rows of both
            modalities are used, each once.
        query, gallery : str, default=None
            Modalities of the queries and of the gallery. If there are two modalities, None takes
            the first and the second, or the one that is left.
        items : mapping of str to array-like or list, default=None
            Modality -> what to show for its rows, if not the data themselves.
        labels : array-like (n,) or tuple of two of them, default=None
            Classes of the pairs, or of the rows of both sides: then any neighbour of the query's
            class is correct. None takes those of :class:`mibsk.ClassPairs`; without classes, only
            the partner is correct.
        kinds : mapping of str to str, default=None
            Modality -> "image", "spectrogram", "waveform" or "text", if not to be inferred from
            its items.
        names : mapping of str to str, default=None
            Modality -> name to show, by default the key.
        n_queries, k, rows, random_state, axes
            As in :meth:`from_embeddings`.

        Returns
        -------
        RetrievalDisplay

        Raises
        ------
        ValueError, TypeError
            If the estimator is not an aligner, a modality is missing, or the data do not match
            those of `fit`.
        """
        from torch.utils.data import Dataset  # torch is needed for aligners only

        aligner, X = prepare(estimator, X)
        classes: Mapping[str, Any] = {}
        if are_class_pairs(X):  # each row of the gallery once, however many partners it has
            X = X.compact()
            classes, shown = X.class_labels, {name: X[name] for name in X}
            embedded = {name: aligner.embed_modality(name, rows) for name, rows in shown.items()}
        else:
            check_row_names(
                {
                    "X": X,
                    "labels": dict(enumerate(labels)) if isinstance(labels, tuple) else labels,
                    "items": items,
                }
            )
            embedded = aligner.embed(X, y)
            shown = {} if isinstance(X, Dataset) else aligner.form_.read(aligner.check_form(X), y)
        pair = choose_two(embedded, _chosen(query, gallery, embedded))
        if labels is None and classes:
            labels = tuple(classes[name] for name in pair)
        shown |= {} if items is None else dict(items)
        if missing := [name for name in pair if name not in shown]:
            raise ValueError(
                f"items lacks {missing}, which cannot be taken from {type(X).__name__}: pass "
                "items={modality: what to show for its rows}."
            )
        (first, Z), (second, W) = pair.items()
        kinds, names = kinds or {}, names or {}
        return cls.from_embeddings(
            Z,
            W,
            queries=shown[first],
            gallery=shown[second],
            labels=labels,
            n_queries=n_queries,
            k=k,
            rows=rows,
            kinds=(kinds.get(first), kinds.get(second)),
            random_state=random_state,
            names=(names.get(first, first), names.get(second, second)),
            axes=axes,
        )

    @classmethod
    def from_embeddings(
        cls,
        X: ArrayLike,
        Y: ArrayLike,
        *,
        queries: Any,
        gallery: Any,
        labels: Any = None,
        n_queries: int = 5,
        k: int = 5,
        rows: ArrayLike | None = None,
        kinds: tuple[str | None, str | None] = (None, None),
        random_state: int | None = 0,
        names: tuple[str, str] = ("query", "gallery"),
        axes: Iterable[Axes] | None = None,
    ) -> Self:
        """Find the nearest neighbours of some queries and plot them.

        Parameters
        ----------
        X : array-like (n_x, d)
            Embeddings of the queries.
        Y : array-like (n_y, d)
            Embeddings of the gallery; without `labels`, row i is the partner of row i of `X`.
        queries, gallery : array-like or list (n_x, ...) and (n_y, ...)
            What to show for the rows of `X` and of `Y`: images (height, width), with channels first
            or last if they are coloured, waveforms (length,), or strings.
        labels : array-like (n,) or tuple of two of them, default=None
            Classes of the rows of both, or of `X` and of `Y`: then any neighbour of the query's
            class is correct. None: only the partner is correct.
        n_queries : int, default=5
            Draw at most this many queries, chosen at random.
        k : int, default=5
            Number of neighbours.
        rows : list of int, default=None
            Numbers of the rows that are queries, instead of a random choice.
        kinds : tuple of two of {"image", "spectrogram", "waveform", "text", None}
            How to draw queries and gallery; None, the default, infers it from their shapes. A
            spectrogram has time along its columns.
        random_state : int or None, default=0
            Seed of the choice of queries; None gives a different one each time.
        names : tuple of two str, default=("query", "gallery")
            Names of queries and gallery.
        axes : Axes, 1 + k per query, default=None
            Where to draw, row by row; None makes a figure.

        Returns
        -------
        RetrievalDisplay

        Raises
        ------
        ValueError
            If embeddings, items and labels do not match, or `k`, `rows` or `kinds` is out of
            range.
        TypeError
            If something is not an array, a list or an integer.
        """
        check_row_names({"X": X, "queries": queries})
        check_row_names({"Y": Y, "gallery": gallery})
        found = find_nearest(
            X,
            Y,
            labels=labels,
            k=k,
            n_queries=n_queries,
            rows=rows,
            random_state=random_state,
        )
        asked = take_items(queries, found.queries, len(X), "queries")  # type: ignore[arg-type]
        flat = take_items(gallery, found.gallery.ravel(), len(Y), "gallery")  # type: ignore[arg-type]
        answers = [flat[i : i + k] for i in range(0, len(flat), k)]
        return cls(found, asked, answers, names=names, kinds=kinds).plot(axes)

    def _panel_names(self) -> list[list[str]]:
        n_queries, k = self.nearest.scores.shape
        return [["query", *(f"neighbour {i + 1}" for i in range(k))]] * n_queries

    def _drawers(self) -> tuple[Drawer, Drawer]:
        """Return how to draw queries and neighbours."""
        gallery = [item for row in self.gallery for item in row]
        return (
            make_drawer(self.queries, self.kinds[0], "queries"),
            make_drawer(gallery, self.kinds[1], "gallery"),
        )

    def _draw(self, *, in_new_figure: bool) -> None:
        drawers = self._drawers()
        if in_new_figure:
            self.figure_.draw_without_rendering()  # text is broken into lines that fit
        room = characters_across(self.axes_[0, 0], note_size())
        for i, row in enumerate(self.axes_):
            self._draw_row(i, row, drawers, room)
        title = shorten(self.names[0], room)
        self.axes_[0, 0].set_title(title, fontsize=note_size(), fontweight="bold")
        for rank, ax in enumerate(self.axes_[0, 1:], start=1):
            ax.set_title(f"{rank}", fontsize=note_size())

    def _draw_row(self, i: int, row: np.ndarray, drawers: tuple[Drawer, Drawer], room: int) -> None:
        found = self.nearest
        drawers[0].draw(row[0], self.queries[i])
        row[0].spines[:].set(color=ink(), alpha=FAINT, linewidth=0.8)
        _write_below(row[0], shorten(found.query_notes[i], room), ink(), MUTED)
        for j, ax in enumerate(row[1:]):
            drawers[1].draw(ax, self.gallery[i][j])
            mark, color, dashes, width = _MARKS[bool(found.is_right[i, j])]
            ax.spines[:].set(color=color, linewidth=width, linestyle=dashes)
            text = f"{mark} {found.scores[i, j]:.2f}"
            if found.gallery_notes is not None:
                text += self._between_score_and_class + shorten(found.gallery_notes[i][j], room)
            _write_below(ax, text, readable(color), 1.0)

    @property
    def _between_score_and_class(self) -> str:
        """The separator of both below an item: they share a line if all class names are short."""
        names = [name for row in self.nearest.gallery_notes or [] for name in row]
        return " · " if max(map(len, names), default=0) <= _SHORT else "\n"

    def _new_panels(self) -> list[Axes]:
        aspect = max(drawer.aspect for drawer in self._drawers())
        n_queries, k = self.nearest.scores.shape
        width = min(MAX_WIDTH, _CELL * (1 + k) + _GAP + 0.3)
        cell = (width - _GAP - 0.3) / (1 + k)
        first, second = (shorten(name, 40) for name in self.names)
        title = wrap(
            f"From “{first}” to “{second}”: nearest by cosine",
            int(72 * max(width, _MIN_WIDTH) / (_CHARACTER * title_size())),
        )
        n_lines = 2 if self._between_score_and_class == "\n" else 1
        row_height = cell * aspect + 0.1 + 0.16 * n_lines
        figure, cells = new_figure(
            n_queries * (k + 2),
            n_columns=k + 2,
            width=max(width, _MIN_WIDTH),
            height=0.9 + 0.2 * title.count("\n") + n_queries * row_height,
            width_ratios=[1, _GAP / cell, *[1] * k],
            padding=(0.05, 0.05),
        )
        for spacer in cells[1 :: k + 2]:
            spacer.remove()
        panels = [ax for i, ax in enumerate(cells) if i % (k + 2) != 1]
        for ax in panels:
            ax.set(xticks=[], yticks=[])
        right, other = ("the partner", "another row")
        if self.nearest.gallery_notes is not None:
            right, other = ("of the query's class", "of another")
        title_figure(figure, title)
        note_figure(figure, f"✓ solid: {right}   ✗ dashed: {other}", family=_FONT)
        return panels


def _write_below(ax: Axes, text: str, color: Any, alpha: float) -> None:
    ax.set_xlabel(text, fontsize=note_size(), color=color, alpha=alpha, family=_FONT, labelpad=4)


def _chosen(
    query: str | None, gallery: str | None, embedded: Mapping[str, Any]
) -> tuple[str, str] | None:
    """Return the modalities of queries and gallery; None, if neither is chosen."""
    if query is None and gallery is None:
        return None
    others = [name for name in embedded if name not in (query, gallery)]
    if (query is None or gallery is None) and len(others) != 1:
        raise ValueError(
            f"query and gallery must both be chosen among {list(embedded)}, got query={query!r} and"
            f" gallery={gallery!r}."
        )
    return query or others[0], gallery or others[0]
