"""Numbers with intervals: means over rows that may come in groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..._checks.groups import Groups


@dataclass(frozen=True)
class Number:
    """A value with the ends of its interval.

    Attributes
    ----------
    value, low, high : float
        The value, and the ends.
    """

    value: float
    low: float
    high: float


def standard_error(values: NDArray[np.float64], groups: Groups) -> tuple[float, int]:
    """Return the standard error of a mean over rows, and the number of independent groups."""
    deviations = values - values.mean()
    if groups is not None:
        deviations = np.bincount(groups, deviations)
    count = len(deviations)
    squares = float(deviations @ deviations)
    return float(np.sqrt(squares * count / max(count - 1, 1))) / len(values), count


def mean_difference(values: NDArray[np.float64], groups: Groups, level: float) -> Number:
    """Return the mean of paired differences over rows, with Student's interval."""
    error, count = standard_error(values, groups)
    half = float(stats.t.ppf((1 + level) / 2, max(count - 1, 1))) * error
    value = float(values.mean())
    return Number(value, value - half, value + half)


def share_of_rows(values: NDArray[np.float64], groups: Groups, level: float) -> Number:
    """Return the mean of values in [0, 1], with Wilson's interval.

    The number of rows in it is that of independent ones, by the standard error of the mean.
    """
    value = float(np.clip(values.mean(), 0.0, 1.0))
    error, count = standard_error(values, groups)
    n = float(len(values)) if groups is None else float(count)
    if 0 < value < 1 and error > 0:
        n = value * (1 - value) / error**2 * count / (count - 1)
    q = float(stats.norm.ppf((1 + level) / 2))
    centre = (value + q**2 / (2 * n)) / (1 + q**2 / n)
    half = q / (1 + q**2 / n) * float(np.sqrt(value * (1 - value) / n + q**2 / (4 * n**2)))
    return Number(value, max(centre - half, 0.0), min(centre + half, 1.0))
