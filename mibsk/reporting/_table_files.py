"""Tables in files: CSV, TSV and Parquet, with or without a header."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._checks.packages import not_installed

SEPARATORS = {".csv": ",", ".tsv": "\t"}
TABLES = (*SEPARATORS, ".parquet")


def read_table(path: Path, *, header: bool | None = None, text: bool = False) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    path : Path
        A file whose name ends in one of `TABLES`.
    header : bool, default=None
        Whether the first line holds names; None: if it holds words, or counts the columns from 0,
        as the default names of pandas do.
    text : bool, default=False
        Keep words such as ``NA``, for labels; only an empty cell is missing.

    Raises
    ------
    ValueError
        If the file is not such a table.
    NotInstalledError
        If pyarrow, which reads Parquet, is missing.
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    separator = SEPARATORS[path.suffix.lower()]
    if header is None:
        header = _holds_names(_first_line(path, separator))
    kept: dict[str, Any] = {"keep_default_na": False, "na_values": [""]} if text else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # cells without a name
            table = pd.read_csv(
                path,
                sep=separator,
                header=0 if header else None,
                index_col=False,
                encoding="utf-8-sig",
                low_memory=False,
                **kept,
            )
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}): save it as UTF-8."
        ) from error
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is blank: write it again.") from error
    except pd.errors.ParserWarning as error:
        raise ValueError(
            f"{path} has fewer names in its first line than cells below: name each column."
        ) from error
    except ValueError as error:  # also the base of pandas' own errors
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise ValueError(
            f"{path} is not a table: {reason}: save it with as many cells in each line."
        ) from error
    if table.shape[1] == 1 and header and (other := _other_separator(table, separator)):
        raise ValueError(
            f"{path} has {other!r} between its cells, not {separator!r}: save it with that."
        )
    return table


def without_row_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Drop a first column without a name that counts the rows: the index that pandas writes."""
    if table.shape[1] < 2 or not str(table.columns[0]).startswith("Unnamed: 0"):
        return table
    first = table.iloc[:, 0]
    counted = first.dtype.kind == "i" and (first == np.arange(len(first))).all()
    return table.iloc[:, 1:] if counted else table


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise not_installed(f"to read {path}", "pyarrow") from error
    try:
        table: pd.DataFrame = pyarrow.parquet.read_table(path).to_pandas()
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(
            f"{path} is incomplete or damaged, or not a Parquet file: {str(error).splitlines()[0]}."
        ) from error
    return table


def _first_line(path: Path, separator: str) -> list[str]:
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
            return next(csv.reader(file, delimiter=separator), [])
    except csv.Error:  # a cell that is too long for a name
        return []


def _holds_names(cells: list[str]) -> bool:
    names = cells[1:] if cells[:1] == [""] else cells  # the index that pandas writes
    counted = len(names) > 1 and names == [str(i) for i in range(len(names))]
    return counted or not all(cell == "" or _is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _other_separator(table: pd.DataFrame, separator: str) -> str | None:
    """Return the likely separator of a table that was read as one column."""
    name = str(table.columns[0])
    first = str(table.iloc[0, 0]) if len(table) else ""
    others = [s for s in (";", "\t", ",", "|") if s != separator and s in name and s in first]
    return others[0] if others else None
