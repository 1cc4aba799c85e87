"""The files of the page: colours that can be read, and nothing from elsewhere."""

import re

import pytest

from mibsk.page import FILES

COLOUR = re.compile(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\)")
COLOURS = {
    name: both for name, *both in COLOUR.findall(FILES["static/style.css"].read_text("utf-8"))
}


def luminance(colour):
    """Relative luminance of WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(*colours):
    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *[(text, ground) for text in ("text", "muted") for ground in ("paper", "card", "raised")],
        ("muted", "tint"),
        ("accent", "card"),
        ("accent", "tint"),
        ("on-accent", "accent"),
        ("good", "good-tint"),
        ("bad", "bad-tint"),
        ("bad", "card"),
    ],
)
def test_text_can_be_read_in_both_schemes(text, ground):
    for a, b in zip(COLOURS[text], COLOURS[ground], strict=True):
        assert contrast(a, b) >= 4.5


def test_nothing_comes_from_elsewhere_and_nothing_is_inline():
    for name, path in FILES.items():
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), name
        assert "innerHTML" not in text, name
        assert "eval(" not in text, name
    html = FILES["index.html"].read_text("utf-8")
    assert not re.search(r"<style|<script(?![^>]*src=)|\son\w+=|\sstyle=", html)


def test_files_are_short():
    assert max(len(path.read_text("utf-8").splitlines()) for path in FILES.values()) <= 200
