"""Groups of the rows of a report: passed by themselves, or as a column of the labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from .._checks.groups import Groups, as_groups
from .._checks.parameters import suggest
from ._label_files import read_labels


def split_groups(
    groups: Any, labels: Any, n_rows: int, *, wanted: Iterable[str] = ()
) -> tuple[Groups, Any]:
    """Return the group of each row as a number, and the labels.

    The column that is named by `groups` is no factor, unless it is `wanted` as one.

    Raises
    ------
    ValueError, TypeError
        If there is no such column, or its values are not groups of the rows.
    """
    if not isinstance(groups, str):
        return as_groups(groups, n_rows), labels
    columns = list(labels) if isinstance(labels, Mapping | pd.DataFrame) else []
    if groups not in columns:
        has = f"which have {columns}" if columns else "which have no columns by name"
        raise ValueError(
            f"groups={groups!r} must name a column of labels, {has}, or be one group per row."
            + suggest(groups, columns)
        )
    numbered = as_groups(labels[groups], n_rows, f"groups, which are labels[{groups!r}],")
    if groups in wanted:
        return numbered, labels
    others = {name: labels[name] for name in columns if name != groups}
    if not others:
        return numbered, None
    return numbered, pd.DataFrame(others) if isinstance(labels, pd.DataFrame) else others


def read_groups(
    groups: str | os.PathLike[str], labels: pd.DataFrame | None
) -> str | pd.Series[Any]:
    """Return the name of a column of the labels, or the groups in a file with names of its rows.

    Raises
    ------
    ValueError, OSError
        If it is neither, or the file has several columns.
    """
    name = os.fspath(groups)
    if labels is not None and name in labels:
        return name
    if not os.path.exists(name) and not os.path.exists(name.rpartition(":")[0]):
        columns = [] if labels is None else list(map(str, labels))
        raise ValueError(
            f"groups {name!r} are neither a file nor a column of the labels, {columns}: pass one "
            "of these." + suggest(name, columns)
        )
    table = read_labels(name)
    if table.shape[1] != 1:
        raise ValueError(
            f"{name} must have one column, the groups of the rows, got {list(table)}: pass it as "
            "labels and name the column."
        )
    return table.iloc[:, 0]
