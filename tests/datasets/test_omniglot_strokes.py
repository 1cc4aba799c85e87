"""Pen strokes: the reader of the text files, and evenly spaced steps along the strokes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.datasets._omniglot_strokes import Pen, read_strokes, resample

# a line to the right, then a separate line downwards; and a dot
CORNER = b"START\n0,-10,0\n30,-10,300\nBREAK\n50,-20,500\n50,-30,1000\nBREAK\n"
DOT = b"START\n7.5,-8.5,0\nBREAK\n"


def test_reader():
    pen = read_strokes([CORNER, DOT])
    expected = [[0, 10, 0], [30, 10, 300], [50, 20, 500], [50, 30, 1000], [7.5, 8.5, 0]]
    np.testing.assert_array_equal(pen.points, expected)
    assert pen.strokes.tolist() == [0, 0, 1, 1, 2]
    assert pen.drawings.tolist() == [0, 0, 1]
    assert pen.first.tolist() == [0, 2, 4]
    assert pen.last.tolist() == [1, 3, 4]


def test_steps_by_hand():
    # 31 and 11 pixels, one more than their lengths, share four free steps: 2.95 and 1.05
    corner, dot = resample(read_strokes([CORNER, DOT]), 8)
    x, y, ms, starts = corner
    np.testing.assert_allclose(x, [0, 7.5, 15, 22.5, 30, 50, 50, 50])
    np.testing.assert_allclose(y, [10, 10, 10, 10, 10, 20, 25, 30])
    np.testing.assert_allclose(ms, [0, 75, 150, 225, 300, 500, 750, 1000])
    assert starts.tolist() == [1, 0, 0, 0, 0, 1, 0, 0]
    np.testing.assert_array_equal(dot[:3], np.repeat([[7.5], [8.5], [0]], 8, axis=1))
    assert dot[3].tolist() == [1] + [0] * 7


def test_resting_pen_adds_time_but_no_length():
    rests = b"START\n0,0,0\n0,0,100\n10,0,200\n10,0,900\nBREAK\n"
    x, _, ms, _ = resample(read_strokes([rests]), 3)[0]
    np.testing.assert_allclose(x, [0, 5, 10])
    np.testing.assert_allclose(ms, [0, 150, 900])  # from its first to its last point


def test_number_of_points_does_not_matter():
    sparse = read_strokes([b"START\n0,0,0\n90,0,900\nBREAK\n"])
    dense = b"".join(b"%d,0,%d\n" % (x, 10 * x) for x in (0, 1, 2, 3, 4, 50, 60, 61, 90))
    np.testing.assert_allclose(
        resample(read_strokes([b"START\n" + dense + b"BREAK\n"]), 16), resample(sparse, 16)
    )


@st.composite
def pens(draw):
    """Return the strokes of one or more drawings, as lists of points."""
    point = st.tuples(*[st.integers(0, 105)] * 2, st.integers(0, 10_000))
    stroke = st.lists(point, min_size=1, max_size=6)
    return draw(st.lists(st.lists(stroke, min_size=1, max_size=5), min_size=1, max_size=4))


@given(pens(), st.integers(10, 40))
def test_each_stroke_has_its_start_and_its_end_among_the_steps(drawings, n_steps):
    strokes = [stroke for drawing in drawings for stroke in drawing]
    pen = Pen(
        points=np.array([point for stroke in strokes for point in stroke], dtype=float),
        strokes=np.repeat(np.arange(len(strokes)), [len(stroke) for stroke in strokes]),
        drawings=np.repeat(np.arange(len(drawings)), [len(drawing) for drawing in drawings]),
    )
    steps = resample(pen, n_steps)
    assert steps.shape == (len(drawings), 4, n_steps)
    assert np.isfinite(steps).all()
    for drawing, rows in zip(drawings, steps, strict=True):
        starts = np.flatnonzero(rows[3] == 1)
        ends = np.append(starts[1:], n_steps) - 1
        assert len(starts) == len(drawing)
        np.testing.assert_array_equal(rows[:3, starts].T, [stroke[0] for stroke in drawing])
        np.testing.assert_array_equal(rows[:3, ends].T, [stroke[-1] for stroke in drawing])
        for stroke, start, end in zip(drawing, starts, ends, strict=True):
            assert end > start
            gaps = np.hypot(*np.diff(rows[:2, start : end + 1]))
            along = np.hypot(*np.diff(np.array(stroke)[:, :2], axis=0).T).sum()
            # a chord is not longer than the path, and all parts of the path have equal length
            assert gaps.max() <= along / (end - start) + 1e-6


@pytest.mark.parametrize("n_steps", [12, 13, 64])
def test_steps_follow_the_length_of_the_strokes(n_steps):
    lengths = np.array([4, 90, 0, 26])
    text = b"".join(b"0,0,0\n%d,0,1\nBREAK\n" % length for length in lengths)
    starts = np.flatnonzero(resample(read_strokes([b"START\n" + text]), n_steps)[0, 3])
    counts = np.diff(np.append(starts, n_steps))
    quota = 2 + (n_steps - 8) * (lengths + 1) / (lengths + 1).sum()
    assert (np.abs(counts - quota) < 1).all()
