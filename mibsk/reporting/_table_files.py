"""Tables in files: CSV, TSV and Parquet, with or without a header."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import infer_dtype

from .._checks.packages import not_installed
from ._separators import find_separator, first_lines, is_number

SEPARATORS = {".csv": ",", ".tsv": "\t"}
TABLES = (*SEPARATORS, ".parquet")
_CSV: dict[str, Any] = {"index_col": False, "encoding": "utf-8-sig", "low_memory": False}
_NUMBERS = r"[-+\d.,\seE%]*|\[.*"  # numbers in another notation, and lists
_WITH_COMMA = r"\s*[-+]?\d+(,\d+)?([eE][-+]?\d+)?\s*"


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
        If the file is not such a table, or cannot be read in one way only.
    NotInstalledError
        If pyarrow, which reads Parquet, is missing.
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    options = _csv_options(path, header=header, text=text)
    table = _read_csv(path, options)
    with_comma = [i for i in range(table.shape[1]) if _has_comma(table.iloc[:, i])]
    if not with_comma:
        return table
    if options["sep"] != ";":  # the commas can also be those of 1,000
        column = table.iloc[:, with_comma[0]]
        raise ValueError(
            f"{path} has numbers with a comma in column {str(column.name)[:40]!r} "
            f"({str(column.dropna().iloc[0])[:30]!r}): write a decimal point, or put ';' between "
            "cells if it is a decimal comma."
        )
    found = _read_csv(path, {**options, "decimal": ","})
    for before, after in zip(table.dtypes, found.dtypes, strict=True):
        if pd.api.types.is_numeric_dtype(before) and not pd.api.types.is_numeric_dtype(after):
            raise ValueError(
                f"{path} has numbers with a decimal comma and others with a decimal point: write "
                "decimal points in all."
            )
    return found


def csv_chunks(
    path: Path,
    size: int,
    *,
    columns: Sequence[int] | None = None,
    text: bool = False,
    dtype: Any = None,
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a CSV or TSV file, `size` at a time.

    Parameters
    ----------
    path : Path
        A file of text whose name ends in one of `SEPARATORS`.
    size : int
        Number of rows at a time.
    columns : sequence of int, default=None
        Positions of the columns to read; None for all.
    text : bool, default=False
        As in :func:`read_table`. Without it, numbers may have a decimal comma if those of the first
        chunk have it, and ';' between cells.
    dtype : type, default=None
        Type of all columns; None: each of the type that pandas finds.

    Raises
    ------
    ValueError
        As :func:`read_table`.
    """
    options = _csv_options(path, header=None, text=text)
    if columns is not None:
        options["usecols"] = list(columns)
    if dtype is not None:
        options["dtype"] = dtype
    if not text and options["sep"] == ";":
        with _csv_errors(path):
            first = pd.read_csv(path, **_CSV, **options, nrows=size)
        if any(_has_comma(first.iloc[:, i]) for i in range(first.shape[1])):
            options["decimal"] = ","
    with _csv_errors(path):
        reader = pd.read_csv(path, **_CSV, **options, chunksize=size)
    with reader:
        while True:
            with _csv_errors(path):
                chunk = next(reader, None)
            if chunk is None:
                return
            yield chunk


def _csv_options(path: Path, *, header: bool | None, text: bool) -> dict[str, Any]:
    """Return the arguments of `pandas.read_csv` that differ between files."""
    separator = find_separator(path, SEPARATORS[path.suffix.lower()], text=text)
    if header is None:
        header = _holds_names(first_lines(path, separator, 1), separator)
    options: dict[str, Any] = {"keep_default_na": False, "na_values": [""]} if text else {}
    return options | {"sep": separator, "header": 0 if header else None}


def _read_csv(path: Path, options: dict[str, Any]) -> pd.DataFrame:
    with _csv_errors(path):
        table: pd.DataFrame = pd.read_csv(path, **_CSV, **options)
    return table


@contextmanager
def _csv_errors(path: Path) -> Iterator[None]:
    """Turn errors of `pandas.read_csv` into one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # cells without a name
            yield
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


def with_index(table: pd.DataFrame, *, of_numbers: bool = False) -> pd.DataFrame:
    """Make a first column that names the rows the index.

    It has integers or strings that differ, and no name of its own, as pandas writes the index of a
    table. In a table `of_numbers`, strings that differ are names whatever the column is called.
    """
    if table.shape[1] < 2:
        return table
    first, rest = table.iloc[:, 0], table.iloc[:, 1:]
    has_no_name = str(table.columns[0]).startswith("Unnamed: 0")
    is_text = infer_dtype(first) == "string"
    if of_numbers and is_text and not has_no_name:
        is_text = not first.str.fullmatch(_NUMBERS).any()
    elif not has_no_name:
        return table
    if not (is_text or first.dtype.kind == "i") or not first.is_unique:
        return table
    return rest.set_axis(pd.Index(first.to_numpy()), axis=0)


def name_rows(labels: pd.DataFrame, names: pd.Index | None) -> pd.DataFrame:
    """Make the first column of labels the index if it has the names of the rows, in any order."""
    if names is None or labels.shape[1] < 2 or labels.index.dtype.kind != "i":
        return labels
    first = labels.iloc[:, 0]
    if infer_dtype(first) != "string" or set(first) != set(names):
        return labels
    return labels.iloc[:, 1:].set_axis(pd.Index(first.to_numpy()), axis=0)


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


def _holds_names(lines: list[list[str]], separator: str) -> bool:
    cells = lines[0] if lines else []
    are_numbers = [is_number(cell, separator) for cell in cells]
    # the name of the index that pandas writes, or the name of the first row
    begins_with_word = len(cells) > 1 and (not cells[0] or not are_numbers[0])
    if not all(are_numbers[begins_with_word:]):
        return True
    names = cells[begins_with_word:]
    return len(names) > 1 and names == [str(i) for i in range(len(names))]


def _has_comma(cells: pd.Series[Any]) -> bool:
    """Whether a column has numbers with a comma, as in ``0,5``, and nothing else."""
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return False
    known = cells.dropna().astype(str)
    return len(known) > 0 and bool(known.str.fullmatch(_WITH_COMMA).all())
