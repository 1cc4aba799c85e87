"""Text that fits into its place."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LETTER = 0.62  # width of a letter, over its size


def characters_across(ax: Axes, size: float, *, upwards: bool = False) -> int:
    """Return how many letters of a size in points fit into the width, or height, of the axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    box = ax.get_window_extent()
    points = 72 * (box.height if upwards else box.width) / figure.dpi
    return max(4, int(points / (_LETTER * size)))


def longest_that_fits(texts: Sequence[str], width: int) -> str:
    """Return the first of some texts, the longest first, that has at most `width` characters.

    Examples
    --------
    >>> longest_that_fits(["share that leaks", "leaked"], 10)
    'leaked'
    """
    return next((text for text in texts if len(text) <= width), texts[-1])


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
    """Cut a text to one line of at most `width` characters, with "…" where it was cut.

    Examples
    --------
    >>> shorten("a picture of a cat", 10)
    'a picture…'
    """
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
