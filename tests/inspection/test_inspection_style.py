import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from mibsk.inspection.drawing.curves import spread
from mibsk.inspection.drawing.style import (
    CLASS_COLORS,
    MODALITY_COLORS,
    MODEL_COLORS,
    _luminance,
    readable,
)
from mibsk.inspection.drawing.text import shorten, wrap

positions = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=6).map(np.array)


@settings(deadline=None, max_examples=50)
@given(positions, st.floats(0, 0.4))
def test_spread_keeps_distance_order_and_bounds(p, gap):
    q = spread(p, gap)
    reached = min(gap, 1 / max(len(p) - 1, 1))
    assert (np.diff(np.sort(q)) >= reached - 1e-9).all()
    assert (q >= -1e-9).all()
    assert (q <= 1 + 1e-9).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(q[order]) >= -1e-9).all()


@settings(deadline=None, max_examples=20)
@given(positions)
def test_spread_keeps_positions_that_are_apart(p):
    gap = np.diff(np.sort(p)).min(initial=1.0)
    np.testing.assert_allclose(spread(p, gap), p, atol=1e-7)


def test_spread_moves_as_little_as_a_general_solver():
    p, gap = np.array([0.1, 0.5, 0.52, 0.55, 0.98]), 0.12
    found = minimize(
        lambda q: ((q - p) ** 2).sum(),
        np.linspace(0, 1, 5),
        bounds=[(0, 1)] * 5,
        constraints={"type": "ineq", "fun": lambda q: np.diff(q) - gap},
        tol=1e-12,
    )
    np.testing.assert_allclose(spread(p, gap), found.x, atol=1e-4)


def test_palettes_share_no_colour():
    colors = [c.lower() for c in (*MODEL_COLORS, *MODALITY_COLORS, *CLASS_COLORS)]
    assert len(set(colors)) == len(colors)


def test_wrap_keeps_empty_and_long_names():
    assert wrap("", 10) == ""
    assert wrap("one two three", 8) == "one two\nthree"


def test_shorten_keeps_short_text():
    assert shorten("abc", 3) == "abc"
    assert shorten("abc\n d", 4) == "abc…"


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_text_in_a_colour_is_readable_on_the_background(style):
    import matplotlib.pyplot as plt
    from matplotlib.colors import to_rgb

    with plt.style.context(style):
        ground = _luminance(to_rgb(plt.rcParams["axes.facecolor"]))
        for color in (*MODEL_COLORS, *MODALITY_COLORS, *CLASS_COLORS):
            light, dark = sorted((_luminance(readable(color)), ground), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5
    with plt.style.context("default"):
        assert readable("#0072B2") == to_rgb("#0072B2")
