"""What to measure: one task per line of the report, in the order of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._checks.groups import Groups
from ..metrics import Bootstrap
from ..metrics.catalogue import CATALOGUE, Description
from ._measurement import Line
from ._samples import Rows

MANY_COLUMNS = 128  # more than these: metrics of columns squared get at most FEW_RESAMPLES
FEW_RESAMPLES = 100


@dataclass(frozen=True)
class Options:
    """The checked options of a report."""

    names: tuple[str, str]
    k: int
    directions: bool
    match: list[str]
    roles: dict[str, str]  # factor -> shared, nuisance or other
    probe: str
    ci: float | None
    n_permutations: int
    max_rows: int | None
    seed: int
    groups: Groups = None  # group of each row


@dataclass(frozen=True)
class Chosen:
    """Rows of one side or of both, selected when they are needed."""

    rows: Rows
    n: int
    unit: bool
    choose: tuple[int, ...]

    def __call__(self) -> tuple[Any, ...]:
        sides = self.rows.take(self.n, unit=self.unit)
        return tuple(sides[i] for i in self.choose)


@dataclass(frozen=True)
class Task:
    """One line to measure: its fields that are known in advance, and the call that measures it."""

    line: Line
    entry: Description
    arrays: Chosen
    params: dict[str, Any]
    called: list[str]  # names of the sides that are passed as X and Y
    groups: Groups = None  # group of each row that is passed

    @property
    def n_resamples(self) -> int:
        wide = max(self.arrays.rows.n_columns) > MANY_COLUMNS
        if wide and self.entry.squares_columns:
            return min(self.entry.n_resamples, FEW_RESAMPLES)
        return self.entry.n_resamples

    @property
    def n_tested(self) -> int:
        """Number of rows of the permutation test."""
        return min(self.line.n_rows, self.entry.test_rows)

    def call(self, ci: Bootstrap | None) -> Any:
        return self.entry.metric(*self.arrays(), **self.params, ci=ci)


def tasks_of(rows: Rows, factors: pd.DataFrame, how: Options) -> Iterator[Task]:
    """Yield what to measure, in the order of the catalogue."""
    for entry in CATALOGUE:
        if entry.one_space and len(set(rows.n_columns)) > 1:
            continue
        if entry.needs_classes and not how.match:
            continue
        n = min(len(rows), how.max_rows or entry.max_rows)
        groups = None if how.groups is None else how.groups[rows.numbers(n)]
        for key, subject, choose, factor in _subjects(entry, how):
            params = dict(entry.arguments)
            relevant: np.ndarray = np.ones(n, dtype=np.int64)
            if entry.takes_k:
                params["k"] = min(how.k, n - 1)
            if entry.of == "both ways" and how.match:
                classes = factors.groupby(how.match).ngroup().iloc[rows.numbers(n)]
                params["labels"] = (classes, classes)
                relevant = classes.map(classes.value_counts()).to_numpy(np.int64)
            if factor is not None:
                params |= {
                    "labels": factors[factor].iloc[rows.numbers(n)],
                    "probe": how.probe,
                    "random_state": how.seed,
                    "groups": groups,
                }
            known: tuple[Any, ...] = (relevant,) if entry.of == "both ways" else rows.n_columns
            line = Line(
                key=key,
                metric=entry.name,
                group=entry.group,
                title=entry.title,
                subject=subject,
                meaning=entry.meaning,
                source=entry.source,
                better=entry.better,
                n_rows=n,
                logarithmic=entry.span == "rank",
                span=_span(entry, n, min(how.k, n - 1)),
                by_chance=_by_chance(entry, n, known),
            )
            unit = entry.directions and how.directions
            called = [how.names[i] for i in choose]
            yield Task(line, entry, Chosen(rows, n, unit, choose), params, called, groups)


def _by_chance(entry: Description, n: int, known: tuple[Any, ...]) -> float | None:
    level = np.inf if entry.by_chance is None else entry.by_chance(n, *known)
    return float(level) if np.isfinite(level) else None


def _subjects(
    entry: Description, how: Options
) -> Iterator[tuple[str, str, tuple[int, ...], str | None]]:
    """Yield key, subject, sides to pass and factor of each line of an entry."""
    x, y = how.names
    if entry.of == "pair":
        yield entry.name, "", (0, 1), None
    elif entry.of == "both ways":
        yield f"{entry.name}.x_to_y", f"{x} → {y}", (0, 1), None
        yield f"{entry.name}.y_to_x", f"{y} → {x}", (1, 0), None
    elif entry.of == "each side":
        for i, side in enumerate("xy"):
            yield f"{entry.name}.{side}", how.names[i], (i,), None
    else:
        for factor, role in how.roles.items():
            if role == entry.of:
                for i, side in enumerate("xy"):
                    yield (
                        f"{entry.name}.{side}.{factor}",
                        f"{factor} in {how.names[i]}",
                        (i,),
                        factor,
                    )


def _span(entry: Description, n: int, k: int) -> tuple[float, float] | None:
    if entry.span == "k":
        return (0.0, float(k))
    if entry.span == "log n":
        return (0.0, float(np.log(n)))
    if entry.span == "rank":
        return (1.0, float(n))
    return entry.span
