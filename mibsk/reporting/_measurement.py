"""Results of a report: values, intervals and chance levels, with their options."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, NamedTuple

import pandas as pd
from numpy.typing import NDArray

from .. import __version__

SCHEMA = "mibsk.measurement/1"


@dataclass(frozen=True)
class Source:
    """A file that was read.

    Attributes
    ----------
    path : str
        As it was passed; after a colon the array of an archive.
    sha256 : str
        Of the whole file, in hexadecimal digits, as ``sha256sum`` prints it.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class Chance:
    """A metric of shuffled partners.

    Attributes
    ----------
    value : float
        Value of the true partners, on the rows that were shuffled.
    level : float
        Mean over permutations.
    p_value : float
        Share of permutations that reach the value, which is counted as one.
    n_permutations : int
        Number of permutations.
    n_rows : int
        Number of rows that were shuffled.
    calibrated : float or None
        The value where `level` is 0 and full agreement 1; see
        :attr:`PermutationTest.calibrated <mibsk.metrics.PermutationTest.calibrated>`.
    """

    value: float
    level: float
    p_value: float
    n_permutations: int
    n_rows: int
    calibrated: float | None = None


@dataclass(frozen=True)
class Line:
    """One number of the report.

    Attributes
    ----------
    key : str
        Its name in JSON, such as ``"recall_at_1.x_to_y"``.
    metric : str
        Name of the metric in the catalogue.
    group, title, meaning, source : str
        As in the catalogue.
    subject : str
        Sides or factor, by their names: ``"image → text"``; empty for both sides.
    better : {"higher", "lower"} or None
        None if it depends on what the factor is for.
    value : float or None
        None if it could not be measured; `note` says why.
    low, high : float or None
        Ends of the interval.
    n_rows : int
        Number of rows that were used.
    n_resamples : int
        Resamples behind the interval, 0 without one.
    span : pair of float or None
        Range of the bar that shows it.
    logarithmic : bool
        Whether the bar has a logarithmic scale.
    chance : Chance or None
        Result of the permutation test, if there was one.
    by_chance : float or None
        Expected value where it is known without shuffling: of retrieval for candidates in random
        order, of Gaussian information for independent sides.
    note : str
        A remark, or the reason why a number is missing.
    level : float
        Coverage of the interval.
    replicates : ndarray (n_resamples,) or None
        Values on resampled rows; see :class:`mibsk.metrics.Estimate`.
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
    by_chance: float | None = None
    note: str = ""
    level: float = 0.95
    replicates: NDArray[Any] | None = field(default=None, repr=False, compare=False)

    @property
    def chance_level(self) -> float | None:
        """Chance level on as many rows as the value, if it is known."""
        if self.by_chance is not None:
            return self.by_chance
        if self.chance is None or self.chance.n_rows != self.n_rows:
            return None
        return self.chance.level


@dataclass(frozen=True)
class Side:
    """One of the two sets of embeddings.

    Attributes
    ----------
    name : str
        Its name in the report.
    shape : pair of int
        Rows and columns.
    dtype : str
        Type of the numbers.
    source : Source or None
        Its file.
    """

    name: str
    shape: tuple[int, int]
    dtype: str
    source: Source | None = None


class Sample(NamedTuple):
    """Rows of both sides, and their classes of one factor, for pictures."""

    x: NDArray[Any]
    y: NDArray[Any]
    labels: pd.Series[Any] | None


@dataclass(frozen=True)
class Measurement:
    """A report, as :func:`measure` returns it.

    Attributes
    ----------
    x, y : Side
        The two sides.
    lines : tuple of Line
        Results, in the order of the catalogue.
    options : dict
        Options by the names of the arguments of :func:`measure`.
    factors : dict
        Factor -> number of classes, None for real numbers.
    labels : Source or None
        The file of labels.
    notes : tuple of str
        Remarks on the whole report.
    sample : Sample
        Rows for pictures.
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
        raise KeyError(f"no line {key!r}; there are {', '.join(line.key for line in self.lines)}.")

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON, with stable names.

        ``metrics`` maps the key of each line to its numbers: ``value``, ``low`` and ``high`` are
        None if missing; ``x`` and ``y`` are the two sides in the order of the arguments.
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
    return {
        "group": line.group,
        "metric": line.metric,
        "title": line.title,
        "subject": line.subject,
        "value": _finite(line.value),
        "low": _finite(line.low),
        "high": _finite(line.high),
        "better": line.better,
        "n_rows": line.n_rows,
        "n_resamples": line.n_resamples,
        "chance": None if line.chance is None else asdict(line.chance),
        "by_chance": _finite(line.by_chance),
        "note": line.note,
        "meaning": line.meaning,
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not isfinite(value) else float(value)
