"""The style of all Displays: colours, type sizes, and how axes, titles and notes look.

Neutral parts take their colour from ``rcParams["text.color"]`` and from the background, so that
they follow a dark style sheet; the colours of data are visible on white and on black. Type sizes
follow ``rcParams["font.size"]``, or the size of the part itself, such as ``axes.titlesize``, if the
user has set it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# Okabe and Ito, "Color Universal Design" (2008), without black and yellow.
MODEL_COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")

# Methods in the pictures of the docs; Displays of all three draw them in this order.
CONTRASTIVE, BOTTLENECK, CLOSED_FORM = MODEL_COLORS[:3]
OTHER_CONTRASTIVE, OTHER_METHOD = MODEL_COLORS[5], "#8A8A8A"

# Tol, "Colour Schemes" (2021), muted, without those close to black, white or the colour of a model.
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

# As in Tol, "Colour Schemes" (2021), vibrant: blue and orange differ under every colour blindness.
# RIGHT is lighter than his blue, which is too dark for text on black.
RIGHT, NEAR, WRONG = "#2288CC", "#33BBEE", "#EE7733"

MUTED, FAINT, GRID = 0.72, 0.35, 0.13  # opacity of neutral parts
DASHED = (0, (4, 2))  # line style


def title_size() -> float:
    """Return the size of titles in points."""
    return _size("axes.titlesize", 1.2)


def label_size() -> float:
    """Return the size of names of axes, lines and factors in points."""
    return _size("axes.labelsize", 1.0)


def tick_size() -> float:
    """Return the size of the numbers along axes in points."""
    return _size("xtick.labelsize", 0.9)


def note_size() -> float:
    """Return the size of notes and legends in points."""
    return _size("legend.fontsize", 0.9)


def _size(key: Any, ratio: float) -> float:
    """Return the size that the user has set or, without one, a ratio of ``font.size``."""
    from matplotlib import rcParams, rcParamsDefault
    from matplotlib.font_manager import FontProperties

    if rcParams[key] == rcParamsDefault[key]:
        return ratio * float(rcParams["font.size"])
    return float(FontProperties(size=rcParams[key]).get_size_in_points())


def ink() -> str:
    """Return the colour of text in the current style sheet."""
    from matplotlib import rcParams

    return str(rcParams["text.color"])


def paper() -> str:
    """Return the colour of the background of axes in the current style sheet."""
    from matplotlib import rcParams

    return str(rcParams["axes.facecolor"])


def text_on(color: Any) -> str:
    """Return the colour, black or white, of text on a coloured background.

    Examples
    --------
    >>> [text_on(color) for color in MODEL_COLORS[:4]]
    ['white', 'white', 'white', 'black']
    """
    from matplotlib.colors import to_rgb

    return "white" if _luminance(to_rgb(color)) < 0.28 else "black"


def readable(color: Any) -> tuple[float, float, float]:
    """Return a colour, mixed with that of text until it is readable on the background.

    The contrast ratio of the result is at least 4.5 (WCAG 2.2, success criterion 1.4.3).
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
    """Return the relative luminance of an sRGB colour, in [0, 1]."""
    c = np.asarray(color)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def clean(ax: Axes, *, grid: str) -> None:
    """Keep thin spines at the left and bottom, and draw a light grid behind the data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set(color=ink(), alpha=FAINT, linewidth=0.8)
    ax.tick_params(which="both", length=0, labelsize=tick_size())
    ax.grid(visible=True, axis=grid, color=ink(), alpha=GRID, linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)
    ax.xaxis.label.set_fontsize(label_size())
    ax.yaxis.label.set_fontsize(label_size())


def headline(ax: Axes, title: str, note: str) -> None:
    """Write the title of a panel, and below it a note on how to read it, if there is one."""
    if not note:
        ax.set_title(title, loc="left", fontsize=title_size(), fontweight="bold")
        return
    ax.annotate(
        note,
        (0, 1),
        xytext=(0, 7),
        xycoords="axes fraction",
        textcoords="offset points",
        va="bottom",
        fontsize=note_size(),
        color=ink(),
        alpha=MUTED,
    )
    n_lines = note.count("\n") + 1
    pad = 11 + n_lines * 1.25 * note_size()
    ax.set_title(title, loc="left", fontsize=title_size(), fontweight="bold", pad=pad)


def show_percent(axis: Axis, *, quarters: bool = True) -> None:
    """Label an axis of fractions in percent, at the quarters or where there is room."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if quarters:
        axis.set_ticks([0, 0.25, 0.5, 0.75, 1])
    else:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100 * value, 6):g}%"))
