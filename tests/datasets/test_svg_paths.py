"""Paths: coverage computed by hand, areas of polygons, and equal ways of writing one path."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.datasets.rendering import _svg_paths, render_paths


def draw(path, image_size=8, view=8.0):
    return render_paths([path], view=view, image_size=image_size)[0]


def area(path, image_size=64, view=8.0):
    return draw(path, image_size, view).astype(float).sum() / 255 * (view / image_size) ** 2


def test_rectangle_by_hand():
    image = draw("M1 1.5H3.25V3H1Z")
    expected = np.zeros((8, 8))
    expected[1, 1:3], expected[1, 3] = 0.5, 0.125
    expected[2, 1:3], expected[2, 3] = 1, 0.25
    np.testing.assert_array_equal(image, np.rint(255 * expected))


def test_triangle_by_hand():
    image = draw("M0 0L2 2H0Z", image_size=2, view=2.0)
    np.testing.assert_array_equal(image, [[128, 0], [255, 128]])


def test_opposite_parts_leave_holes_and_equal_ones_do_not():
    outer, hole, island = "M1 1H7V7H1Z", "M2 2V6H6V2Z", "M2 2H6V6H2Z"
    assert draw(outer + hole)[4, 4] == 0
    assert draw(outer + island)[4, 4] == 255
    assert draw(outer + hole)[1, 4] == 255


@pytest.mark.parametrize(
    "path",
    [
        "M4 1A3 3 0 0 1 4 7A3 3 0 0 1 4 1Z",
        "M4 1A3 3 0 0 0 4 7A3 3 0 0 0 4 1Z",  # the other way round
        "M1 4a3 3 0 1 1 6 0a3,3,0,1,1-6,0",
        "M1 4a3 3 0 116 0a3 3 0 11-6 0z",  # flags without spaces
        "M4 1A1 1 0 0 1 4 7A1 1 0 0 1 4 1Z",  # radii too small are enlarged
        "M7 4A3 3 30 1 0 4 7A3 3 0 0 0 7 4Z",  # three quarters, and the last one
    ],
)
def test_circles_have_their_area(path):
    assert area(path) == pytest.approx(np.pi * 9, rel=5e-3)


def test_ellipse_is_turned_by_its_angle():
    path = "M1 4A3 1 0 0 1 7 4A3 1 0 0 1 1 4Z"
    turned = "M4 1A3 1 90 0 1 4 7A3 1 90 0 1 4 1Z"
    assert area(path) == pytest.approx(np.pi * 3, rel=5e-3)
    np.testing.assert_allclose(draw(turned), draw(path).T.astype(int), atol=1)


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("M1 1L7 1L7 5Z", "m1 1l6 0l0 4z"),
        ("M1 1L7 1L7 5Z", "M1,1 7,1 7,5"),  # further pairs are lines, and open parts are closed
        ("M1 1H7V5", "m1 1h6v4z"),
        ("M1 4C1 1 7 1 7 4S7 7 4 7", "m1 4c0-3 6-3 6 0s0 3-3 3"),
        ("M1 4C1 1 7 1 7 4S7 7 4 7", "M1 4C1 1 7 1 7 4C7 7 7 7 4 7"),  # the control is mirrored
        ("M1 4Q4 1 7 4T1 6", "M1 4Q4 1 7 4Q10 7 1 6"),
        ("M1 4Q4 1 7 4", "M1 4C3 2 5 2 7 4"),
        ("M1 4S4 1 7 4", "M1 4C1 4 4 1 7 4"),  # nothing to mirror
        ("M1.5.5L6 2L2 5Z", "M1.5,0.5 L 6.0 , 2e0 2 +5Z"),
        ("M1 1h2v2h-2zm3 3h2v2h-2z", "M1 1h2v2h-2zM4 4h2v2h-2z"),  # from the start of the part
    ],
)
def test_equal_ways_of_writing(path, other):
    np.testing.assert_allclose(draw(path, 32), draw(other, 32).astype(int), atol=1)


@settings(deadline=None)
@given(
    points=st.lists(
        st.tuples(*[st.floats(0, 8, allow_subnormal=False)] * 2), min_size=3, max_size=3
    )
)
def test_triangles_have_their_area(points):
    (x0, y0), (x1, y1), (x2, y2) = points
    expected = abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / 2
    path = "M" + "L".join(f"{x!r} {y!r}" for x, y in points) + "Z"
    assert area(path, 16) == pytest.approx(expected, abs=0.5 * 0.5**2 * 32 / 255 + 1e-6)


def test_what_is_outside_of_the_view_is_cut_off():
    np.testing.assert_array_equal(draw("M-5-5H4V20H-5Z")[:, :4], 255)
    np.testing.assert_array_equal(draw("M-5-5H4V20H-5Z")[:, 4:], 0)
    np.testing.assert_array_equal(draw("M4-5H40V20H4Z")[:, 4:], 255)


def test_images_do_not_depend_on_their_neighbours(monkeypatch):
    paths = ["M1 1H7V5Z", "M4 1A3 3 0 0 1 4 7Z", "M0 0L8 8H0Z", "M9 9"]
    together = render_paths(paths, view=8.0, image_size=16)
    monkeypatch.setattr(_svg_paths, "PATHS_AT_ONCE", 3)
    np.testing.assert_array_equal(together, render_paths(paths, view=8.0, image_size=16))
    np.testing.assert_array_equal(together, [draw(path, 16) for path in paths])
    assert not together[3].any()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "must begin with the command M, got ''"),
        ("L1 1", "must begin with the command M, got 'L1 1'"),
        ("5 M1 1", "must begin with the command M"),
        ("M1 1L2", "L of a path takes 2 numbers, got '2'"),
        ("M1 1L", "L of a path takes 2 numbers, got ''"),
        ("M1 1L2 x", "L of a path takes 2 numbers, got '2 x'"),
        ("M1 1Z3", "Z of a path takes 0 numbers, got '3'"),
        ("M1 1A3 3 0 2 0 1 1", "A of a path takes 7 numbers"),
    ],
)
def test_bad_paths(path, message):
    with pytest.raises(ValueError, match=message):
        draw(path)
