"""The tables of a diagnosis: checked, at most some thousand rows of them, standardised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._checks.devices import to_numpy
from ..._checks.groups import Groups
from ..._checks.matrices import as_matrix
from ...canonical import find_coordinates
from ...data import duplicate_rows
from .._measurement import Source
from .._printable import printable

FEWEST_ROWS = 10
MAX_COLUMNS = 256  # of a table, in all that is computed
MAX_VALUES = 2**26  # of a table, 512 MiB
CHUNK = 2048  # rows

Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """One of the tables.

    Attributes
    ----------
    name : str
        Its name in the report.
    shape : tuple of int
        As it was passed, without missing rows.
    dtype : str
        Type of the numbers.
    n_duplicates : int
        Rows, of those that were used, that equal another one.
    n_constant : int
        Columns that have one value in all of these rows.
    deviation : float
        Root mean square of the standard deviations of the columns.
    n_axes : int
        Dimensions that were used: the columns that vary, or their leading principal axes.
    share : float
        Share of the variance of the standardised columns that these hold.
    source : Source or None
        Its file.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    n_duplicates: int = 0
    n_constant: int = 0
    deviation: float = 0.0
    n_axes: int = 0
    share: float = 1.0
    source: Source | None = None


@dataclass(frozen=True)
class Prepared:
    """Tables that are ready to be analysed.

    Parameters
    ----------
    tables : list of Table
        What they are.
    raw : list of ndarray (n, p_m)
        The rows that are used, as they are.
    views : list of ndarray (n, r_m)
        The same, standardised: their columns, or coordinates of them.
    rows : ndarray (n,)
        Numbers of these rows.
    groups : ndarray of int (n,) or None
        Their groups.
    """

    tables: list[Table]
    raw: list[Rows]
    views: list[Rows]
    rows: NDArray[np.intp]
    groups: Groups


def check_tables(data: Any) -> dict[str, Any]:
    """Return the matrices of several tables by name, n-d rows flattened; missing rows are of NaN.

    Raises
    ------
    ValueError, TypeError
        If there are fewer than two, or they are not real numbers of as many rows.
    """
    if not isinstance(data, Mapping):
        raise TypeError(
            f"data must map the name of each modality to its table, got {type(data).__name__}: "
            "pass {'image': X, 'text': Y}."
        )
    if len(data) < 2:
        raise ValueError(f"needed are at least two tables, got {list(data)}: pass all of them.")
    names = [str(name) for name in data]
    if not all(name.strip() for name in names) or len(set(names)) < len(names):
        raise ValueError(f"the tables need names that differ, got {names}.")
    found = {
        printable(name): as_matrix(flattened(X), name, min_rows=FEWEST_ROWS, missing_rows=True)
        for name, X in zip(names, data.values(), strict=True)
    }
    (first, X), *others = found.items()
    for name, Y in others:
        if len(Y) != len(X):
            raise ValueError(
                f"{first} has {len(X)} rows, {name} has {len(Y)}: row i of all tables must belong "
                "together, so pass as many rows in each."
            )
    return found


def complete_rows(matrices: Mapping[str, Any]) -> tuple[NDArray[np.intp], str | None]:
    """Return the numbers of the rows that all tables have, and a sentence on the others.

    Raises
    ------
    ValueError
        If there are too few of them.
    """
    # as_matrix has refused rows with other values beside NaN
    missing = {name: np.isnan(to_numpy(X[:, 0])) for name, X in matrices.items()}
    lacking = {name: int(which.sum()) for name, which in missing.items() if which.any()}
    rows = np.flatnonzero(~np.logical_or.reduce(list(missing.values())))
    if not lacking:
        return rows, None
    n = len(next(iter(matrices.values())))
    lists = ", ".join(f"{name} {count:,}" for name, count in lacking.items())
    if len(rows) < FEWEST_ROWS:
        raise ValueError(
            f"{len(rows)} of {n:,} rows are in all tables, needed are {FEWEST_ROWS} (missing rows: "
            f"{lists}): pass fewer tables, such as those two that share most rows."
        )
    return rows, (
        f"{n - len(rows):,} of {n:,} rows lack a table and were left out (missing: {lists}); "
        "IBAligner and CanonicalBottleneck use them, too"
    )


def flattened(X: Any) -> Any:
    """Return an array or a tensor of n-d rows with one line per row, and others as they are."""
    shape: tuple[int, ...] = getattr(X, "shape", ())
    return X.reshape(shape[0], -1) if len(shape) > 2 and shape[0] else X


def prepare(
    matrices: Mapping[str, Any], groups: Groups, max_rows: int, rng: np.random.Generator
) -> Prepared:
    """Return at most `max_rows` random rows of the tables, standardised; fewer of wide tables.

    Raises
    ------
    ValueError
        If a table does not vary in these rows.
    """
    n = len(next(iter(matrices.values())))
    widest = max(int(X.shape[1]) for X in matrices.values())
    n_used = min(n, max_rows, max(MAX_VALUES // widest, FEWEST_ROWS))
    rows = np.arange(n) if n_used == n else np.sort(rng.permutation(n)[:n_used])
    tables, raw, views = [], [], []
    for name, X in matrices.items():
        Z = np.asarray(to_numpy(X)[rows], np.float64)
        table = Table(name, tuple(map(int, X.shape)), str(X.dtype))
        table, view = _standardised(table, Z)
        tables.append(replace(table, n_duplicates=duplicate_rows(Z).n_rows))
        raw.append(Z)
        views.append(view)
    used = None if groups is None else np.unique(groups[rows], return_inverse=True)[1]
    if used is not None and used.max() + 1 == len(rows):
        used = None
    return Prepared(tables, raw, views, rows, used)


def _standardised(table: Table, Z: Rows) -> tuple[Table, Rows]:
    """Return the rows with columns of mean 0 and variance 1, or 256 leading axes of them."""
    top = np.abs(Z).max(axis=0)
    scaled = Z / np.where(top > 0, top, 1.0)  # squares of large values may overflow
    centred = scaled - scaled.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    varies = spread > 1e-12
    if not varies.any():
        raise ValueError(
            f"table {table.name!r} does not vary: all of its {len(Z)} rows are equal. Pass rows "
            "that vary, or leave the table out."
        )
    view = centred[:, varies] / spread[varies]
    whole = float(view.shape[1])
    if view.shape[1] > MAX_COLUMNS:

        def chunks() -> Iterator[Rows]:
            yield from (view[start : start + CHUNK] for start in range(0, len(view), CHUNK))

        axes = find_coordinates(
            chunks,
            len(view),
            view.shape[1],
            scaled=False,
            max_columns=MAX_COLUMNS,
            rank=MAX_COLUMNS,
        )
        view = axes(view)
        view -= view.mean(axis=0)
    with np.errstate(over="ignore"):
        deviation = float(np.sqrt(((spread * top) ** 2).mean()))
    known = {
        "n_constant": int((~varies).sum()),
        "deviation": deviation,
        "n_axes": view.shape[1],
        "share": float(min((view**2).mean(axis=0).sum() / whole, 1.0)),
    }
    return replace(table, **known), view
