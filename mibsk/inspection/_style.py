"""The look of all Displays: colours, type sizes, titles and labels.

Neutral parts take their colour from ``rcParams["text.color"]`` and its background, so that a dark
style sheet turns them over; the colours of data stand out on white and on black.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.isotonic import isotonic_regression

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito, "Color Universal Design" (2008), without black and yellow.
MODEL_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")

# Tol, "Colour Schemes" (2021), muted, without those too near to black, white or a model's colour.
MODALITY_COLORS = ("#AA4499", "#44AA99", "#999933", "#CC6677", "#6699CC")
MODALITY_MARKERS = ("o", "^", "s", "D", "v")

# Petroff, "Accessible Color Sequences for Data Visualization" (2021), arXiv 2107.02270.
CLASS_COLORS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)

# As in Tol, "Colour Schemes" (2021), vibrant: blue and orange are told apart by all. His blue is
# too dark for text on black.
RIGHT, NEAR, WRONG = "#2288CC", "#33BBEE", "#EE7733"

_LETTER = 0.62  # width of a letter, over its size
TITLE_SIZE, LABEL_SIZE, NOTE_SIZE = 12, 10, 9  # points
MUTED, FAINT, GRID = 0.72, 0.35, 0.13  # opacity of neutral parts


def ink() -> str:
    """Return the colour of text in the current style sheet."""
    from matplotlib import rcParams

    return str(rcParams["text.color"])


def paper() -> str:
    """Return the colour of the background of axes in the current style sheet."""
    from matplotlib import rcParams

    return str(rcParams["axes.facecolor"])


def text_on(color: Any) -> str:
    """Return the colour, black or white, of text on a coloured ground.

    Examples
    --------
    >>> [text_on(color) for color in MODEL_COLORS[:4]]
    ['white', 'white', 'white', 'black']
    """
    from matplotlib.colors import to_rgb

    return "white" if _luminance(to_rgb(color)) < 0.28 else "black"


def readable(color: Any) -> tuple[float, float, float]:
    """Return a colour, mixed with that of text until it can be read on the background.

    Text and its ground need a ratio of luminances of 4.5 (WCAG 2.2, success criterion 1.4.3).
    """
    from matplotlib.colors import to_rgb

    own, text, ground = (np.asarray(to_rgb(c)) for c in (color, ink(), paper()))
    mixed = own
    for share in np.linspace(0, 1, 21):
        mixed = (1 - share) * own + share * text
        light, dark = sorted((_luminance(mixed), _luminance(ground)), reverse=True)
        if (light + 0.05) / (dark + 0.05) >= 4.5:
            break
    red, green, blue = mixed.tolist()
    return red, green, blue


def _luminance(color: Any) -> float:
    """Return the relative luminance of a colour of sRGB, 0..1."""
    c = np.asarray(color)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def clean(ax: Axes, *, grid: str) -> None:
    """Leave thin axes at the left and bottom, and a light grid behind the data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set(color=ink(), alpha=FAINT, linewidth=0.8)
    ax.tick_params(which="both", length=0, labelsize=NOTE_SIZE)
    ax.grid(visible=True, axis=grid, color=ink(), alpha=GRID, linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)
    ax.xaxis.label.set_fontsize(LABEL_SIZE)
    ax.yaxis.label.set_fontsize(LABEL_SIZE)


def headline(ax: Axes, title: str, note: str) -> None:
    """Write what a panel shows, and below it how to read it."""
    ax.annotate(
        note,
        (0, 1),
        xytext=(0, 7),
        xycoords="axes fraction",
        textcoords="offset points",
        va="bottom",
        fontsize=NOTE_SIZE,
        color=ink(),
        alpha=MUTED,
    )
    n_lines = note.count("\n") + 1
    pad = 11 + n_lines * 1.25 * NOTE_SIZE
    ax.set_title(title, loc="left", fontsize=TITLE_SIZE, fontweight="bold", pad=pad)


def characters_across(ax: Axes, size: float) -> int:
    """Return how many letters of a size in points stand beside each other in the axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    points = 72 * ax.get_window_extent().width / figure.dpi
    return max(4, int(points / (_LETTER * size)))


def wrap(text: str, width: int) -> str:
    r"""Break a long name into lines of at most `width` characters, but not around ``=``.

    Examples
    --------
    >>> wrap("information bottleneck, β = 10", 26)
    'information bottleneck,\nβ = 10'
    """
    glued = text.replace(" = ", "\xa0=\xa0")
    return textwrap.fill(glued, width, break_on_hyphens=False).replace("\xa0", " ") or text


def shorten(text: str, width: int) -> str:
    """Return at most `width` characters of a text on one line, with "…" where some are left out.

    Examples
    --------
    >>> shorten("a picture of a cat", 10)
    'a picture…'
    """
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


class LineEnd(NamedTuple):
    """The last point of a line, in data coordinates, and what to call it."""

    x: float
    y: float
    text: str
    color: str


def label_line_ends(ax: Axes, ends: Sequence[LineEnd]) -> None:
    """Write names to the right of the axes, each as near to the end of its line as they fit.

    The limits of the axes must be final.
    """
    texts = [wrap(end.text, 18) for end in ends]
    to_axes = ax.transData + ax.transAxes.inverted()
    heights = to_axes.transform([(end.x, end.y) for end in ends])[:, 1]
    axes_points = 72 * ax.get_window_extent().height / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
    n_lines = max(text.count("\n") + 1 for text in texts)
    gap = (1.25 * n_lines * LABEL_SIZE + 2) / axes_points
    for end, text, height in zip(ends, texts, spread(heights, gap), strict=True):
        ax.annotate(
            text,
            (end.x, end.y),
            xytext=(1.04, height),
            textcoords="axes fraction",
            va="center",
            fontsize=LABEL_SIZE,
            fontweight="bold",
            color=readable(end.color),
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": end.color,
                "alpha": 0.5,
                "linewidth": 0.8,
                "shrinkA": 1,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )


def spread(positions: np.ndarray, gap: float) -> np.ndarray:
    r"""Move positions in [0, 1] as little as possible until neighbours are `gap` apart.

    .. math:: \min_q \sum_i (q_i - p_i)^2, \quad q_{i+1} - q_i \ge g

    for sorted :math:`p`, which is isotonic regression of :math:`p_i - i g`. A gap too wide for all
    to stay within [0, 1] is narrowed.

    Examples
    --------
    >>> spread(np.array([0.5, 0.5, 0.9]), 0.2)
    array([0.4, 0.6, 0.9])
    """
    n = len(positions)
    gap = min(gap, 1 / max(n - 1, 1))
    order = np.argsort(positions, kind="stable")
    steps = gap * np.arange(n)
    moved = isotonic_regression(positions[order] - steps, y_min=0.0, y_max=1 - steps[-1])
    result = np.empty(n)
    result[order] = moved + steps
    return result
