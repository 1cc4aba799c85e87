"""Two runs side by side: each number before and after, and the paired difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..metrics import Estimate
from ..metrics.statistics import paired_difference
from ._measurement import Line, Measurement

SCHEMA = "mibsk.comparison/1"


@dataclass(frozen=True)
class Difference:
    """One number before and after.

    Attributes
    ----------
    before, after : Line
        The line of each report.
    value : float or None
        ``after - before``; None if one of them could not be measured.
    low, high : float or None
        Ends of the interval of the difference, from the same resampled rows.
    p_value : float or None
        Bootstrap p-value of the hypothesis that it is 0; see :func:`mibsk.metrics.compare`.
    """

    before: Line
    after: Line
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None

    @property
    def improves(self) -> bool | None:
        """Whether the number is better after; None if its interval includes 0 or there is none."""
        better = self.after.better
        if better is None or self.low is None or self.high is None or self.low <= 0 <= self.high:
            return None
        return (self.low > 0) == (better == "higher")


@dataclass(frozen=True)
class SideBySide:
    """The reports of two runs on the same rows, as :func:`measure_folders` returns them.

    Attributes
    ----------
    before, after : Measurement
        The report of each run.
    names : pair of str
        Names of the runs.
    """

    before: Measurement
    after: Measurement
    names: tuple[str, str] = ("before", "after")

    def __iter__(self) -> Iterator[Difference]:
        after = {line.key: line for line in self.after}
        return (_difference(line, after[line.key]) for line in self.before if line.key in after)

    def __getitem__(self, key: str) -> Difference:
        """Return the difference of a key such as ``"cka"`` or ``"recall_at_1.x_to_y"``."""
        return _difference(self.before[key], self.after[key])

    def to_dict(self) -> dict[str, Any]:
        """Return both reports and their differences as plain values for JSON."""
        return {
            "schema": SCHEMA,
            "names": list(self.names),
            "differences": {
                found.before.key: {
                    "before": found.before.value,
                    "after": found.after.value,
                    "difference": found.value,
                    "low": found.low,
                    "high": found.high,
                    "p_value": found.p_value,
                    "better": found.after.better,
                    "improves": found.improves,
                }
                for found in self
            },
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
        }

    def to_json(self) -> str:
        """Return both reports and their differences as strict JSON: no NaN, no Infinity."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _difference(before: Line, after: Line) -> Difference:
    if before.value is None or after.value is None:
        return Difference(before, after)
    value = after.value - before.value
    if before.replicates is None or after.replicates is None:
        return Difference(before, after, value)
    # wide sides have fewer resamples, which are the first of the others
    n = min(len(before.replicates), len(after.replicates))
    a, b = (_estimate(line, n) for line in (after, before))
    found = paired_difference(a, b)
    return Difference(before, after, value, found.low, found.high, found.p_value)


def _estimate(line: Line, n: int) -> Estimate:
    replicates, value = line.replicates, line.value
    assert replicates is not None
    assert value is not None
    kept = replicates[:n]
    if n < len(replicates):
        kept = kept - np.nanmean(kept) + np.nanmean(replicates)
    low, high = (value if end is None else end for end in (line.low, line.high))
    return Estimate(value, low, high, line.level, kept)
