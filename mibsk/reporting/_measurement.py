"""What was measured: lines of values, intervals and chance levels, and how they came about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, NamedTuple

import pandas as pd
from numpy.typing import NDArray

from .. import __version__
from ._files import Source

SCHEMA = "mibsk.measurement/1"


@dataclass(frozen=True)
class Chance:
    """What a metric gives when partners are shuffled.

    Attributes
    ----------
    value : float
        Of the partners, on the rows that were shuffled.
    level : float
        The mean over shufflings.
    p_value : float
        Share of shufflings that reach the value, that one counted too.
    n_permutations : int
        Number of shufflings.
    n_rows : int
        Rows that were shuffled.
    """

    value: float
    level: float
    p_value: float
    n_permutations: int
    n_rows: int


@dataclass(frozen=True)
class Line:
    """One number of the report.

    Attributes
    ----------
    key : str
        Its name in JSON, such as ``"recall_at_1.x_to_y"``.
    metric : str
        Which entry of the catalogue it is of.
    group, title, meaning, source : str
        As in the catalogue.
    subject : str
        What it is about, in the names that were given: ``"image → text"``; empty for both sides.
    better : {"higher", "lower"} or None
        Which way is better; None where that depends on what the factor is for.
    value : float or None
        None where it could not be measured; `note` says why.
    low, high : float or None
        Ends of the interval.
    n_rows : int
        Rows that were used.
    n_resamples : int
        Resamples behind the interval, 0 without one.
    span : pair of float or None
        Range in which to show it.
    logarithmic : bool
        Whether to show it on a logarithmic scale.
    chance : Chance or None
        What chance gives, if that was tested.
    note : str
        What else there is to know; empty if nothing.
    """

    key: str
    metric: str
    group: str
    title: str
    subject: str
    meaning: str
    source: str
    better: str | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n_rows: int = 0
    n_resamples: int = 0
    span: tuple[float, float] | None = None
    logarithmic: bool = False
    chance: Chance | None = None
    note: str = ""

    @property
    def chance_level(self) -> float | None:
        """What chance gives on as many rows as the value is of, if that is known."""
        if self.chance is None or self.chance.n_rows != self.n_rows:
            return None
        return self.chance.level


@dataclass(frozen=True)
class Side:
    """One of the two sets of embeddings.

    Attributes
    ----------
    name : str
        What to call it.
    shape : pair of int
        Rows and columns.
    dtype : str
        Type of the numbers.
    source : Source or None
        The file it was read from.
    """

    name: str
    shape: tuple[int, int]
    dtype: str
    source: Source | None = None


class Sample(NamedTuple):
    """Some rows of both sides, and their classes of one factor, for pictures."""

    x: NDArray[Any]
    y: NDArray[Any]
    labels: pd.Series[Any] | None


@dataclass(frozen=True)
class Measurement:
    """The whole report; :func:`measure` makes one.

    Attributes
    ----------
    x, y : Side
        The two sides.
    lines : tuple of Line
        What was measured, in the order of the catalogue.
    options : dict
        How, by the names of the arguments of :func:`measure`.
    factors : dict
        Factor -> number of classes, None for real numbers, of the labels that were used.
    labels : Source or None
        The file of labels.
    notes : tuple of str
        What holds for all of it.
    sample : Sample
        Some of the rows, for pictures.
    """

    x: Side
    y: Side
    lines: tuple[Line, ...]
    options: dict[str, Any]
    sample: Sample = field(repr=False, compare=False)
    factors: dict[str, int | None] = field(default_factory=dict)
    labels: Source | None = None
    notes: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> Line:
        """Return the line of a key such as ``"cka"`` or ``"recall_at_1.x_to_y"``."""
        for line in self.lines:
            if line.key == key:
                return line
        raise KeyError(f"no line {key!r}; there are {', '.join(line.key for line in self.lines)}")

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values that JSON can hold; names never change their meaning.

        ``metrics`` maps the key of each line to its numbers: ``value``, ``low`` and ``high`` are
        None where there is none, ``x`` and ``y`` are the two sides in the order they were given.
        """
        return {
            "schema": SCHEMA,
            "mibsk_version": __version__,
            "inputs": {
                "x": asdict(self.x),
                "y": asdict(self.y),
                "labels": {
                    "source": None if self.labels is None else asdict(self.labels),
                    "n_classes": self.factors,
                },
            },
            "options": self.options,
            "metrics": {line.key: _plain(line) for line in self.lines},
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return the report as strict JSON: no NaN, no Infinity."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(line: Line) -> dict[str, Any]:
    numbers = {name: _finite(getattr(line, name)) for name in ("value", "low", "high")}
    return {
        "group": line.group,
        "metric": line.metric,
        "title": line.title,
        "subject": line.subject,
        **numbers,
        "better": line.better,
        "n_rows": line.n_rows,
        "n_resamples": line.n_resamples,
        "chance": None if line.chance is None else asdict(line.chance),
        "note": line.note,
        "meaning": line.meaning,
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not isfinite(value) else float(value)
