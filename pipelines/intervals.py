"""Means over seeds with their confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A number with its confidence interval at 95 %, computed from `n` values."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def over_seeds(values: ArrayLike) -> Interval:
    r"""Return the mean over seeds with Student's t interval :math:`\bar x \pm t\, s / \sqrt n`.

    Examples
    --------
    >>> print(over_seeds([1.0, 2.0, 3.0]))
    +2.000 [-0.484, +4.484]
    """
    values = np.asarray(values, dtype=float)
    n = len(values)
    return of_mean(float(values.mean()), float(values.std(ddof=1)) if n > 1 else 0.0, n)


def of_mean(mean: float, sd: float, n: int) -> Interval:
    """Return the same of the mean and standard deviation of `n` values."""
    if n < 2:
        return Interval(mean, -np.inf, np.inf, n)
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * sd / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)
