"""Ratios of time and memory, of two programs that take turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Ratio(NamedTuple):
    """One measured ratio.

    Parameters
    ----------
    what : str
        What is done, with sizes.
    rival : str
        What it is compared with.
    ours, theirs : float
        Medians over the rounds, in `unit`.
    low, ratio, high : float
        Least, median and largest of ours divided by theirs in one round.
    unit : str, default="s"
        Unit of `ours` and `theirs`.
    """

    what: str
    rival: str
    ours: float
    theirs: float
    low: float
    ratio: float
    high: float
    unit: str = "s"


def seconds(do: Callable[[], Any], repeat: int = 1) -> float:
    """Return the mean seconds of a call."""
    started = time.perf_counter()
    for _ in range(repeat):
        do()
    return (time.perf_counter() - started) / repeat


def in_turns(
    what: str,
    rival: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    *,
    rounds: int = 5,
    repeat: int = 1,
) -> Ratio:
    """Time both in turns, after one call of each that does not count."""
    ours(), theirs()
    return of_rounds(
        what, rival, [(seconds(ours, repeat), seconds(theirs, repeat)) for _ in range(rounds)]
    )


def of_rounds(what: str, rival: str, rounds: list[tuple[float, float]], unit: str = "s") -> Ratio:
    """Return the ratio of numbers that were measured elsewhere, (ours, theirs) of each round."""
    pairs = np.asarray(rounds)
    ratios = pairs[:, 0] / pairs[:, 1]
    return Ratio(
        what,
        rival,
        *np.median(pairs, axis=0).tolist(),
        float(ratios.min()),
        float(np.median(ratios)),
        float(ratios.max()),
        unit,
    )
