import base64
import re
import struct
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy.stats import ortho_group

from mibsk.reporting import measure, to_html
from mibsk.reporting._page import _bar
from mibsk.reporting._relative import relative
from mibsk.reporting._sentences import interval

QUICK = {"ci": None, "n_permutations": 0}


class Page(HTMLParser):
    """All elements, what they load, and the text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.loads, self.text, self.open = [], [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "img", "source", "col", "br"):
            self.open.append(tag)
        self.loads += [
            value
            for name, value in attrs
            if name in ("src", "srcset", "href", "data", "action", "poster", "background")
        ]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def html(report):
    return to_html(report)


def test_the_page_loads_nothing(html):
    page = Page(html)
    assert page.open == []
    assert {"script", "link", "iframe", "object", "embed", "base"}.isdisjoint(page.tags)
    assert page.loads
    assert all(load.startswith("data:image/png;base64,") for load in page.loads)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in html


def test_the_page_says_it_all(html, report):
    text = Page(html).text
    for line in report:
        assert line.title in text
        assert line.meaning in text
        assert line.source in text
        assert interval(line) in text
    assert "A row of the same digit comes first in" in text
    assert "Of speaker, a nuisance, image tells" in text


def test_pictures_are_there_in_light_and_in_dark(html):
    pictures = re.findall(
        r'<picture><source media="\(prefers-color-scheme: dark\)" srcset="data:image/png;base64,'
        r'(.*?)">\s*<img src="data:image/png;base64,(.*?)"',
        html,
    )
    assert len(pictures) == 3
    for pair in pictures:
        dark, light = (base64.b64decode(data) for data in pair)
        assert dark != light
        assert dark.startswith(b"\x89PNG")
        sizes = {struct.unpack(">II", data[16:24]) for data in (dark, light)}
        assert len(sizes) == 1


def test_without_matplotlib_there_is_a_line_in_place_of_pictures(report, html, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    plain = to_html(report)
    assert "<picture>" not in plain
    assert "pip install matplotlib" in plain
    assert len(plain) < len(html)


def test_sides_in_two_spaces_are_drawn_relative_to_other_rows(pairs):
    X, Y, labels = pairs
    html = to_html(measure(X, Y[:, :4], **QUICK))
    assert html.count("<picture>") == 1
    assert "each row as its cosines with other rows of its side" in html
    assert "Without" not in html
    factors = {"shared": ["digit"], "nuisances": ["speaker"]}
    html = to_html(measure(X, Y[:, :4], labels, **factors, **QUICK))
    assert html.count("<picture>") == 2  # and of what is kept and leaked
    html = to_html(measure(X[:7], Y[:7, :4], **QUICK))
    assert "<picture>" not in html
    assert "Without pictures of both sides: a picture of sides with unequal columns needs" in html


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e300])
def test_partners_are_alike_relative_to_other_rows(scale):
    rng = np.random.default_rng(0)
    X, Q = rng.standard_normal((60, 5)), ortho_group.rvs(9, random_state=0)[:5]
    rows, (x, y) = relative(scale * X, X @ Q + 3)
    np.testing.assert_allclose(x, y, atol=1e-9)  # whatever the rotation, scale and shift
    assert x.shape == (30, 30)
    assert np.array_equal(rows, np.unique(rows))
    assert np.abs(x).max() < 1 - 1e-6  # no row is compared with itself
    constant = relative(X, np.ones((60, 2)))[1][1]
    assert not constant.any()


def test_one_column_has_one_picture(pairs):
    X, Y, _ = pairs
    html = to_html(measure(X[:, :1], Y[:, :1], **QUICK))
    assert html.count("<picture>") == 1
    assert "Without ModalityGapDisplay" in html


def test_names_are_text_and_no_markup(pairs):
    X, Y, _ = pairs
    html = to_html(measure(X, Y, names=("<script>alert(1)</script>", "a & b 文"), **QUICK))
    assert "script" not in Page(html).tags
    assert "a &amp; b 文" in html


def test_no_line_at_all_is_still_a_page(report):
    assert Page(to_html(replace(report, lines=()))).open == []


def test_bars_stand_within_their_span(report):
    line = replace(report["cka"], value=0.5, low=0.25, high=2.0, span=(0.0, 1.0))
    bar = _bar(line)
    assert (bar["dot"], bar["range"]) == (50, (25, 75))
    rank = replace(report["median_rank.x_to_y"], value=10.0, low=None, high=None, span=(1.0, 100.0))
    assert _bar(rank)["dot"] == 50
    assert _bar(replace(line, value=None)) is None
    assert _bar(replace(line, span=None)) is None
    assert _bar(replace(line, span=(1.0, 1.0)))["dot"] == 0


def test_a_page_of_two_rows(tmp_path):
    X = np.eye(2)
    assert Page(to_html(measure(X, X))).open == []
