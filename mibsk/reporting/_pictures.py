"""Pictures of the two sides, for light and for dark pages."""

from __future__ import annotations

import io
import warnings
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..inspection import LeakageDisplay, ModalityGapDisplay, SimilarityDisplay
from ._relative import relative

if TYPE_CHECKING:
    from ._measurement import Measurement

DPI = 170


_DISPLAYS = {
    SimilarityDisplay.from_embeddings: "Cosine of each row with each row of the other side",
    ModalityGapDisplay.from_embeddings: "Both sides in the plane of most variance, partners joined",
}
_RELATIVE = (
    "Sides with unequal columns, each row as its cosines with other rows of its side: cosine of "
    "these with those of each row of the other side"
)
_LEAKAGE = (
    "What each side leaks and keeps of the factors, as a share of their entropy; of real numbers, "
    "of their variance."
)
_INKS = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor")
_PAPERS = ("axes.facecolor", "figure.facecolor", "savefig.facecolor")


class Paper(NamedTuple):
    """Colours of a page."""

    ground: str
    card: str
    ink: str


LIGHT = Paper("#f6f6f2", "#ffffff", "#1c1e21")
DARK = Paper("#131518", "#1c1f23", "#e8e7e3")


@dataclass(frozen=True)
class Picture:
    """One picture in both colours, as PNG; `width` in pixels of a page."""

    caption: str
    light: bytes
    dark: bytes
    width: int

    @property
    def light_text(self) -> str:
        """The light picture in base64."""
        return b64encode(self.light).decode()

    @property
    def dark_text(self) -> str:
        """The dark picture in base64."""
        return b64encode(self.dark).decode()


def draw(report: Measurement) -> tuple[list[Picture], str]:
    """Return the pictures of a report, and a remark on missing ones."""
    x, y, labels = report.sample
    one_space, fractions = x.shape[1] == y.shape[1], _fractions(report)
    missing: list[str] = []
    try:
        import matplotlib.pyplot as pyplot
    except ImportError:
        return [], "Without pictures: these need matplotlib, pip install matplotlib."
    pictures: list[Picture] = []
    pair = {report.x.name: x, report.y.name: y}
    notes = [f"{len(x):,} random pairs"] if len(x) < report.x.shape[0] else []
    notes += ["rows scaled to length 1"] if report.options["similarity"] == "cosine" else []
    displays: dict[Any, str] = dict(_DISPLAYS)
    if not one_space:
        displays = {SimilarityDisplay.from_embeddings: _RELATIVE}
        try:
            rows, sides = relative(x, y)
        except ValueError as error:
            missing.append(f"Without pictures of both sides: {error}")
            displays = {}
        else:
            pair = dict(zip(pair, sides, strict=True))
            labels = None if labels is None else labels.iloc[rows]
    for make, caption in displays.items():
        drawn = partial(make, pair, labels=labels)
        try:
            pictures.append(in_both_colours(drawn, "; ".join([caption, *notes]) + ".", pyplot))
        except ValueError as error:
            missing.append(f"Without {make.__self__.__name__}: {str(error).rstrip('.')}.")
    if fractions is not None:
        known = {factor for kind in next(iter(fractions.values())).values() for factor in kind}
        numeric = [factor for factor in known if report.factors[factor] is None]
        drawn = partial(LeakageDisplay.from_fractions, fractions, numeric=numeric)
        pictures.append(in_both_colours(drawn, _LEAKAGE, pyplot))
    return pictures, " ".join(missing)


def in_both_colours(make: Callable[[], Any], caption: str, pyplot: Any) -> Picture:
    """Return what `make` draws, anything with a `figure_`, for light and for dark pages."""
    images, width = [], 0
    for paper in (LIGHT, DARK):
        colors = dict.fromkeys(_INKS, paper.ink) | dict.fromkeys(_PAPERS, paper.card)
        with warnings.catch_warnings(), pyplot.rc_context(colors):
            warnings.simplefilter("ignore")  # glyphs that the font lacks
            figure = make().figure_
            stream = io.BytesIO()
            figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
            width = round(96 * figure.get_figwidth())
            pyplot.close(figure)
        images.append(stream.getvalue())
    return Picture(caption, images[0], images[1], width)


def _fractions(report: Measurement) -> dict[str, dict[str, dict[str, float]]] | None:
    """Return kept and leaked shares of both sides, if there are factors of both kinds."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for side, name in (("x", report.x.name), ("y", report.y.name)):
        found[name] = {}
        for kind in ("leakage", "kept"):
            start = f"{kind}.{side}."
            found[name][kind] = {
                line.key.removeprefix(start): line.value
                for line in report
                if line.key.startswith(start) and line.value is not None
            }
    x, y = found.values()
    alike = all(values and values.keys() == y[kind].keys() for kind, values in x.items())
    return found if alike else None
