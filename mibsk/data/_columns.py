"""Columns of tables, by name in data frames and by position in arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any


def is_frame(X: Any) -> bool:
    """Whether `X` is a pandas or polars data frame."""
    # shape first: a polars LazyFrame has none, and accessing its columns warns
    if len(getattr(X, "shape", ())) != 2:
        return False
    return hasattr(X, "columns") and hasattr(X, "to_numpy")


def column_names(X: Any) -> tuple[str, ...]:
    """Return the column names of a data frame if all are strings, else ``()``."""
    names = tuple(X.columns) if is_frame(X) else ()
    return tuple(map(str, names)) if all(isinstance(name, str) for name in names) else ()


def check_names_differ(X: Any) -> None:
    """Raise ``ValueError`` if column names of a data frame are not unique."""
    names = column_names(X)
    if len(set(names)) < len(names):
        repeated = sorted(name for name, n in Counter(names).items() if n > 1)
        raise ValueError(f"column names of a table must be unique, got {repeated} more than once.")


def by_name(X: Any, names: Sequence[str]) -> Any:
    """Return the columns of a data frame in the order of `names`.

    `X` is returned unchanged unless it is a data frame with exactly these columns, each once.
    """
    own = column_names(X)
    if own == tuple(names) or len(set(own)) < len(own) or sorted(own) != sorted(names):
        return X
    return X[list(names)]


def take_columns(X: Any, positions: Sequence[int], names: Sequence[str] = ()) -> Any:
    """Return columns of a table; a view of an array if they are evenly spaced.

    Parameters
    ----------
    X : data frame, array or CSR matrix (n, d)
        The table.
    positions : sequence of int
        Positions of the columns.
    names : sequence of str, default=()
        Unique names of the columns; a data frame with named columns is indexed by name.
    """
    if names and column_names(X):
        return X[list(names)]
    if hasattr(X, "iloc"):
        return X.iloc[:, list(positions)]
    return X[:, _even_steps(positions)]


def _even_steps(positions: Sequence[int]) -> slice | list[int]:
    """Return the slice with positive step that selects `positions`, if there is one."""
    first, last = positions[0], positions[-1]
    step = positions[1] - first if len(positions) > 1 else 1
    if step > 0 and list(positions) == list(range(first, last + 1, step)):
        return slice(first, last + 1, step)
    return list(positions)
