"""Reading and resampling of the pen strokes of Omniglot."""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

STEPS_PER_STROKE = 2  # smallest number: start and end


class Pen(NamedTuple):
    """The points of all drawings, concatenated."""

    points: NDArray[np.float64]  # (n_points, 3): x and y in pixels, y pointing down, and time in ms
    strokes: NDArray[np.int64]  # (n_points,): index of the stroke, over all drawings
    drawings: NDArray[np.int64]  # (n_strokes,): index of the drawing

    @property
    def first(self) -> NDArray[np.intp]:
        """Index of the first point of each stroke, (n_strokes,)."""
        return np.flatnonzero(np.diff(self.strokes, prepend=-1))

    @property
    def last(self) -> NDArray[np.intp]:
        """Index of the last point of each stroke, (n_strokes,)."""
        return np.flatnonzero(np.diff(self.strokes, append=len(self.drawings)))


def read_strokes(texts: Sequence[bytes]) -> Pen:
    """Read drawings: ``START``, then ``x,y,ms`` for each point and ``BREAK`` after each stroke.

    In the files, y is the negative row of the image; here it is the row.
    """
    marked = b"".join(texts).replace(b"START", b"nan,nan,0").replace(b"BREAK", b"nan,nan,1")
    table = pd.read_csv(io.BytesIO(marked), header=None, dtype=np.float64).to_numpy()
    is_mark = np.isnan(table[:, 0])
    drawings = np.cumsum(is_mark & (table[:, 2] == 0)) - 1
    strokes = np.cumsum(is_mark & (table[:, 2] == 1))  # BREAK ends its stroke
    points = table[~is_mark] * (1, -1, 1)
    strokes = strokes[~is_mark]
    _, first = np.unique(strokes, return_index=True)
    return Pen(points, strokes, drawings[~is_mark][first])


def resample(pen: Pen, n_steps: int) -> NDArray[np.float64]:
    r"""Return `n_steps` points of each drawing, evenly spaced along its strokes.

    Each stroke has two steps for its start and end, and a number of further steps proportional to
    its length plus one pixel. Position and time are interpolated linearly within strokes.

    Parameters
    ----------
    pen : Pen
        Points of n drawings.
    n_steps : int
        At least two for each stroke of a drawing.

    Returns
    -------
    ndarray (n, 4, n_steps)
        x, y, time, and 1 at the start of a stroke, else 0.
    """
    first, last = pen.first, pen.last
    lengths = np.hypot(*np.diff(pen.points[:, :2], axis=0, prepend=0).T)
    lengths[first] = 0  # movements between strokes
    # path length; one pixel is added per stroke, so that it increases from stroke to stroke
    along: NDArray[np.float64] = np.cumsum(lengths) + pen.strokes
    start, end = along[first], along[last]

    counts = _share_steps(end - start + 1, pen.drawings, n_steps)
    stroke = np.repeat(np.arange(len(counts)), counts)  # index, for each step
    step = np.arange(len(stroke)) - np.repeat(np.cumsum(counts) - counts, counts)
    fraction = step / (counts[stroke] - 1)
    at = start[stroke] + fraction * (end - start)[stroke]
    steps = np.stack([*(np.interp(at, along, c) for c in pen.points.T), step == 0])
    # interpolation is ambiguous at points where the pen rests, so that ends are set exactly
    steps[:3, step == 0] = pen.points[first].T
    steps[:3, fraction == 1] = pen.points[last].T
    return steps.reshape(4, -1, n_steps).swapaxes(0, 1)


def _share_steps(
    weights: NDArray[np.float64], drawings: NDArray[np.int64], n_steps: int
) -> NDArray[np.int64]:
    """Distribute the steps of each drawing over its strokes by the largest remainder method."""
    n_strokes = np.bincount(drawings)
    free = n_steps - STEPS_PER_STROKE * n_strokes  # (n_drawings,)
    quota = free[drawings] * weights / np.bincount(drawings, weights)[drawings]
    counts = np.floor(quota).astype(np.int64)
    missing = free - np.bincount(drawings, counts).astype(np.int64)
    order = np.lexsort([counts - quota, drawings])  # largest remainder first, within each drawing
    rank = np.empty_like(counts)
    rank[order] = np.arange(len(order)) - (np.cumsum(n_strokes) - n_strokes)[drawings]
    return STEPS_PER_STROKE + counts + (rank < missing[drawings])
