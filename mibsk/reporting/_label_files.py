"""Labels in files, and the factors among them that can be measured."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from .._checks.labels import as_factors, as_labels, is_real
from .._checks.parameters import suggest
from ._matrix_files import ARRAYS, locate, read_array
from ._table_files import read_table, with_index


def read_labels(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the labels in a file, one column per factor.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv`` or ``.parquet`` with the names of the factors in the first line; or
        ``.npy`` or ``.npz`` of classes, (n,) or (n, n_factors), which are named ``label``, or
        ``label_0`` and so on. The index that pandas writes is that of the result.

    Raises
    ------
    ValueError
        If the file has other content.
    OSError
        If it cannot be read.
    """
    name = os.fspath(path)
    file, member = locate(name)
    if file.suffix.lower() not in ARRAYS:
        table = with_index(read_table(file, header=True, text=True))
        if not table.columns.is_unique:
            raise ValueError(f"{name} has factors whose names repeat: rename them.")
        return table.rename(columns=str)
    array = np.asarray(read_array(file, member))
    if array.ndim not in (1, 2) or array.dtype.kind not in "biufUS":
        raise ValueError(
            f"{name} holds values of type {array.dtype} and shape {array.shape}, expected classes "
            "of shape (n,) or (n, n_factors)."
        )
    if array.ndim == 1:
        return pd.DataFrame({"label": array})
    return pd.DataFrame({f"label_{i}": column for i, column in enumerate(array.T)})


def as_names(factors: str | Iterable[str] | None) -> list[str]:
    """Return the distinct names of one factor, several or none."""
    return [factors] if isinstance(factors, str) else list(dict.fromkeys(factors or ()))


def check_factors(
    labels: Any,
    n_rows: int,
    name: str,
    *,
    needed: Iterable[str] = (),
    match: str | Iterable[str] = (),
) -> tuple[pd.DataFrame, list[str]]:
    """Return the factors that can be measured, and notes on the others.

    Parameters
    ----------
    labels : DataFrame, mapping or array-like
        Classes or real numbers, one column per factor.
    n_rows : int
        Number of rows of the embeddings.
    name : str
        Name of the labels in messages.
    needed : iterable of str
        Factors that must be among them.
    match : str or iterable of str
        Factors that must be among them and hold classes.

    Raises
    ------
    ValueError
        If the labels do not fit the rows, some are missing, or no factor is left.
    TypeError
        If they are not labels.
    """
    if isinstance(labels, pd.DataFrame) and len(labels) != n_rows:
        raise ValueError(
            f"{name} has labels of {len(labels)} rows, the embeddings have {n_rows}: pass one "
            "line of labels per row."
        )
    usable, unusable = {}, {}
    for factor, values in as_factors(labels, n_rows, name).items():
        if (n_classes := values.nunique()) < 2:
            why = f"is the same in all rows ({values.iloc[0]}): nothing to tell apart"
        elif n_classes == n_rows and not is_real(values):
            why = f"has a class of its own for each of the {n_rows} rows, like an id"
        else:
            usable[str(factor)] = values
            continue
        unusable[str(factor)] = f"factor {str(factor)!r} of {name} {why}"
    match = as_names(match)
    for factor in (*needed, *match):
        if factor in unusable:
            raise ValueError(f"{unusable[factor]}; choose another factor.")
        if factor not in usable:
            hint = suggest(factor, usable) or f" It has {', '.join(map(repr, usable)) or 'none'}"
            raise ValueError(f"{name} has no factor {factor!r}.{hint}")
    if not usable:
        raise ValueError("; ".join(unusable.values()) or f"{name} holds no factor")
    for factor in match:
        as_labels(usable[factor], n_rows, f"{name}[{factor!r}]")
    return pd.DataFrame(usable), [f"{reason}; left out" for reason in unusable.values()]
