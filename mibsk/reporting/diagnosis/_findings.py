"""What may be wrong with tables, in one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._checks.labels import is_real
from ._shared import Shared
from ._tables import Prepared, Rows

COMPARED_COLUMNS = 1024
COMPARED_ROWS = 2000
SAME = 0.9999  # correlation of columns that are one
COPY = 0.99  # correlation of directions of a table that is nearly a copy
SCALES = 100.0  # ratio of the deviations of two tables
MANY = 0.01  # share of rows that equal another one
LISTED = 3
LARGEST_WHOLE = 2.0**53  # below, floats of whole numbers are distinct


def warnings_of(
    prepared: Prepared, shared: Shared, labels: pd.DataFrame | None
) -> Iterator[tuple[str, str]]:
    """Yield a code and a sentence for each thing that may be wrong with the tables.

    Parameters
    ----------
    prepared : Prepared
        The tables.
    shared : Shared
        What all of them share.
    labels : DataFrame or None
        Labels of the rows that are used.
    """
    for parts in (
        _repeated(prepared),
        _ids(prepared),
        _same_columns(prepared),
        _copies(prepared, shared),
        _labels_in_columns(prepared, labels),
        _scales(prepared),
        _cut(prepared),
    ):
        yield from parts


def _repeated(prepared: Prepared) -> Iterator[tuple[str, str]]:
    n = len(prepared.rows)
    for table in prepared.tables:
        if table.n_duplicates > MANY * n:
            yield (
                "duplicates",
                f"{table.n_duplicates:,} of {n:,} rows of {table.name} equal another one: a "
                "contrastive loss takes each as a negative of the other, and a partner among equal "
                "rows is not found. Drop or group such rows, or pair by class (mibsk.ClassPairs)",
            )


def _ids(prepared: Prepared) -> Iterator[tuple[str, str]]:
    """Report columns that number the rows."""
    numbers = prepared.rows.astype(np.float64)
    for table, Z in zip(prepared.tables, prepared.raw, strict=True):
        found = []
        for column in range(min(Z.shape[1], COMPARED_COLUMNS)):
            values = Z[:, column]
            whole = np.abs(values).max() < LARGEST_WHOLE and not np.any(values % 1)
            if whole and len(np.unique(values)) == len(values):
                steps = np.diff(values[np.argsort(values)])
                counted = abs(np.corrcoef(values, numbers)[0, 1]) > SAME
                if counted or (steps == 1).all():
                    found.append(column)
        if found:
            yield (
                "ids",
                f"{_columns(found)} of {table.name} {'numbers' if len(found) == 1 else 'number'} "
                "the rows, like an id: what two such columns share is the order of the rows. "
                "Leave them out",
            )


def _same_columns(prepared: Prepared) -> Iterator[tuple[str, str]]:
    """Report columns of two tables that are one, up to scale and shift."""
    some = slice(0, COMPARED_ROWS)
    unit = {}
    for table, Z in zip(prepared.tables, prepared.raw, strict=True):
        part = Z[some, :COMPARED_COLUMNS]
        part = part / np.maximum(np.abs(part).max(axis=0), 1e-300)
        part = part - part.mean(axis=0)
        lengths = np.linalg.norm(part, axis=0)
        unit[table.name] = part / np.where(lengths > 1e-9, lengths, np.inf)
    for (a, X), (b, Y) in combinations(unit.items(), 2):
        found = np.flatnonzero(np.abs(X.T @ Y).max(axis=1) > SAME).tolist()
        if found:
            yield (
                "same columns",
                f"{_columns(found)} of {a} {'is' if len(found) == 1 else 'are'} in {b}, too, up to "
                "scale: what both share is then no finding. Leave them out of one of both",
            )


def _copies(prepared: Prepared, shared: Shared) -> Iterator[tuple[str, str]]:
    least = min(table.n_axes for table in prepared.tables)
    found = [d.correlation.value for d in shared.directions[:least]]
    if len(found) >= min(least, 2) and found and min(found) > COPY:
        names = " and ".join(shared.names)
        yield (
            "copy",
            f"the first {len(found)} directions of {names} have held-out correlations above "
            f"{COPY}: the smaller table is nearly a linear copy of another, and there may be "
            "nothing to learn",
        )


def _labels_in_columns(
    prepared: Prepared, labels: pd.DataFrame | None
) -> Iterator[tuple[str, str]]:
    """Report labels that one column of a table determines."""
    for name, values in ({} if labels is None else labels).items():
        held = {}
        for table, Z in zip(prepared.tables, prepared.raw, strict=True):
            columns = _determining(Z[:, :COMPARED_COLUMNS], values)
            if columns:
                held[table.name] = columns
        for table_name, columns in held.items():
            yield (
                "label",
                f"{_columns(columns)} of {table_name}, each by itself, tell the label "
                f"{str(name)!r}: a model that predicts it from {table_name} only copies them",
            )


def _determining(Z: Rows, values: Any) -> list[int]:
    """Return the columns that are constant within classes and differ between them, or are equal."""
    n = len(Z)
    if is_real(values):
        y = np.asarray(values, np.float64)
        y = y - y.mean()
        centred = Z - Z.mean(axis=0)
        lengths = np.linalg.norm(centred, axis=0) * np.linalg.norm(y)
        r = np.abs(y @ centred) / np.where(lengths > 0, lengths, np.inf)
        found: list[int] = np.flatnonzero(r > SAME).tolist()
        return found
    codes, kinds = pd.factorize(values)
    if not 2 <= len(kinds) <= n / 2:
        return []
    counts = np.bincount(codes)
    found = []
    for column in range(Z.shape[1]):
        means = np.bincount(codes, Z[:, column]) / counts
        scale = np.abs(Z[:, column]).max()
        constant = np.abs(Z[:, column] - means[codes]).max() <= 1e-9 * scale
        if constant and len(np.unique(means)) == len(kinds):
            found.append(column)
    return found


def _scales(prepared: Prepared) -> Iterator[tuple[str, str]]:
    spread: Mapping[str, float] = {table.name: table.deviation for table in prepared.tables}
    small, large = min(spread, key=spread.__getitem__), max(spread, key=spread.__getitem__)
    if spread[small] > 0 and spread[large] / spread[small] > SCALES:
        yield (
            "scales",
            f"the columns of {large} have {spread[large] / spread[small]:,.0f} times the standard "
            f"deviation of those of {small}: mibsk scales its inputs, but what compares such rows "
            "as they are needs both on one scale",
        )


def _cut(prepared: Prepared) -> Iterator[tuple[str, str]]:
    for table in prepared.tables:
        width = int(np.prod(table.shape[1:])) - table.n_constant
        if table.n_axes < width and table.share < 1 - 1e-6:
            yield (
                "axes",
                f"of {table.name} the {table.n_axes} leading principal axes were used, with "
                f"{table.share:.1%} of the variance of its {width:,} columns",
            )


def _columns(found: list[int] | NDArray[np.intp]) -> str:
    shown = ", ".join(str(column) for column in found[:LISTED])
    if len(found) == 1:
        return f"column {shown} (counted from 0)"
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return f"columns {shown}{more} (counted from 0)"
