"""Pen strokes of Omniglot: reading the text files, and a fixed number of steps for each drawing."""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

STEPS_PER_STROKE = 2  # at least: where and when it starts and ends


class Pen(NamedTuple):
    """All points of all drawings, one after the other."""

    points: NDArray[np.float64]  # (n_points, 3): x and y in pixels, y downwards, and ms
    strokes: NDArray[np.int64]  # (n_points,), counted through all drawings
    drawings: NDArray[np.int64]  # (n_strokes,): the drawing of each stroke

    @property
    def first(self) -> NDArray[np.intp]:
        """First point of each stroke, (n_strokes,)."""
        return np.flatnonzero(np.diff(self.strokes, prepend=-1))

    @property
    def last(self) -> NDArray[np.intp]:
        """Last point of each stroke, (n_strokes,)."""
        return np.flatnonzero(np.diff(self.strokes, append=len(self.drawings)))


def read_strokes(texts: Sequence[bytes]) -> Pen:
    """Read drawings, each ``START`` and then ``x,y,ms`` per point and ``BREAK`` after a stroke.

    In the files y is the negative row of the image; here it counts downwards, as rows do.
    """
    marked = b"".join(texts).replace(b"START", b"nan,nan,0").replace(b"BREAK", b"nan,nan,1")
    table = pd.read_csv(io.BytesIO(marked), header=None, dtype=np.float64).to_numpy()
    is_mark = np.isnan(table[:, 0])
    drawings = np.cumsum(is_mark & (table[:, 2] == 0)) - 1
    strokes = np.cumsum(is_mark & (table[:, 2] == 1))  # a mark ends its stroke
    points = table[~is_mark] * (1, -1, 1)
    strokes = strokes[~is_mark]
    _, first = np.unique(strokes, return_index=True)
    return Pen(points, strokes, drawings[~is_mark][first])


def resample(pen: Pen, n_steps: int) -> NDArray[np.float64]:
    r"""Return `n_steps` points of each drawing, evenly spaced along its strokes.

    Points come as often as the device reported them, so their number says little. Here each stroke
    gets two steps, its start and its end, and the rest of the steps in proportion to its length,
    where a dot counts as one pixel long. Between points, place and time are interpolated; between
    strokes nothing is.

    Parameters
    ----------
    pen : Pen
        Points of n drawings.
    n_steps : int
        At least two for each stroke of any drawing.

    Returns
    -------
    ndarray (n, 4, n_steps)
        x, y, time, and 1 where a stroke starts, else 0.
    """
    first, last = pen.first, pen.last
    lengths = np.hypot(*np.diff(pen.points[:, :2], axis=0, prepend=0).T)
    lengths[first] = 0  # the pen is in the air
    along: NDArray[np.float64] = (
        np.cumsum(lengths) + pen.strokes
    )  # grows from each stroke to the next
    start, end = along[first], along[last]

    counts = _share_steps(end - start + 1, pen.drawings, n_steps)
    stroke = np.repeat(np.arange(len(counts)), counts)  # of each step
    step = np.arange(len(stroke)) - np.repeat(np.cumsum(counts) - counts, counts)
    fraction = step / (counts[stroke] - 1)
    at = start[stroke] + fraction * (end - start)[stroke]
    steps = np.stack([*(np.interp(at, along, c) for c in pen.points.T), step == 0])
    # where the pen rests, one place has many times
    steps[:3, step == 0] = pen.points[first].T
    steps[:3, fraction == 1] = pen.points[last].T
    return steps.reshape(4, -1, n_steps).swapaxes(0, 1)


def _share_steps(
    weights: NDArray[np.float64], drawings: NDArray[np.int64], n_steps: int
) -> NDArray[np.int64]:
    """Share the steps of each drawing among its strokes, by the method of largest remainders."""
    n_strokes = np.bincount(drawings)
    free = n_steps - STEPS_PER_STROKE * n_strokes  # (n_drawings,)
    quota = free[drawings] * weights / np.bincount(drawings, weights)[drawings]
    counts = np.floor(quota).astype(np.int64)
    missing = free - np.bincount(drawings, counts).astype(np.int64)
    order = np.lexsort([counts - quota, drawings])  # largest remainders first in each drawing
    rank = np.empty_like(counts)
    rank[order] = np.arange(len(order)) - (np.cumsum(n_strokes) - n_strokes)[drawings]
    return STEPS_PER_STROKE + counts + (rank < missing[drawings])
