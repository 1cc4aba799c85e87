"""Rows of one modality in files, read in chunks, with the columns that identify the rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .._checks.packages import not_installed
from .._checks.parameters import suggest
from ..data import InputSpec
from ..reporting import csv_chunks, read_array

READABLE = (".parquet", ".csv", ".tsv", ".npy")
_UNNAMED = re.compile(r"__index_level_\d+__|Unnamed: 0")
_SHOWN = 3  # names of columns in an error


@dataclass(frozen=True)
class Selection:
    """Columns of a table.

    Parameters
    ----------
    ids : sequence of str
        Columns that identify the rows; they are copied to the output.
    columns : sequence of str
        Columns of the modality. None are named: those that it had in training, or all others.
    """

    ids: Sequence[str] = ()
    columns: Sequence[str] = ()


class RowFile(Protocol):
    """A file of rows.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    columns : list of str
        Columns of the modality; none in an array.
    index : list of str
        Columns of the index that pandas has written.
    numbers : range or None
        The index that pandas has written, if it is a range, of which no column is written; None
        also if it has another length than the file, as after a slice by another program.
    """

    n_rows: int
    columns: list[str]
    index: list[str]
    numbers: range | None

    def chunks(self, size: int) -> Iterator[Any]:
        """Yield the rows of the modality, `size` at a time."""

    def ids(self) -> Any:
        """Return the columns that identify the rows as a pyarrow table, or None."""


def open_rows(path: Path, spec: InputSpec, selection: Selection) -> RowFile:
    """Open a file of rows.

    Raises
    ------
    ValueError
        If it does not exist, is of another kind, damaged, or lacks a column.
    NotInstalledError
        If pyarrow is missing, which reads Parquet.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ValueError(f"{path} {what}: expected a file ({', '.join(READABLE)}).")
    suffix = path.suffix.lower()
    if suffix not in READABLE:
        raise ValueError(f"{path} ends in {path.suffix!r}, expected {', '.join(READABLE)}.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes): write it again.")
    if suffix == ".npy":
        return ArrayRows(path, selection)
    return (ParquetRows if suffix == ".parquet" else CsvRows)(path, spec, selection)


class ArrayRows:
    """Rows of a memory-mapped array."""

    def __init__(self, path: Path, selection: Selection) -> None:
        if selection.ids or selection.columns:
            raise ValueError(
                f"{path} is an array, which has no columns to choose by name: write a Parquet file "
                "with a column of lists, the rows of the array, and ids and metadata beside it."
            )
        self.array = read_array(path, None)
        if self.array.ndim == 0:
            raise ValueError(f"{path} holds a single value: expected one row per sample.")
        self.n_rows = len(self.array)
        self.columns: list[str] = []
        self.index: list[str] = []
        self.numbers: range | None = None

    def chunks(self, size: int) -> Iterator[Any]:
        """Yield slices of the array."""
        for start in range(0, self.n_rows, size):
            yield self.array[start : start + size]

    def ids(self) -> None:
        """Return None: rows of an array are identified by their number."""


class ParquetRows:
    """Rows of a Parquet file."""

    def __init__(self, path: Path, spec: InputSpec, selection: Selection) -> None:
        try:
            import pyarrow.parquet
        except ImportError as error:
            raise not_installed(f"to read {path}", "pyarrow") from error
        self.path, self.errors = path, (pyarrow.ArrowException, OSError)
        try:
            self.file = pyarrow.parquet.ParquetFile(path)
        except self.errors as error:
            raise self._damaged(error) from error
        schema = self.file.schema_arrow
        written = (schema.pandas_metadata or {}).get("index_columns", [])
        index = [name for name in written if isinstance(name, str)]
        self.n_rows = self.file.metadata.num_rows
        self.numbers = _range_of(written, self.n_rows)
        self.index, self.id_columns, self.columns = _choose(
            path, schema.names, index, spec, selection
        )

    def chunks(self, size: int) -> Iterator[Any]:
        """Yield data frames."""
        batches = self.file.iter_batches(size, columns=self.columns)
        while True:
            try:
                batch = next(batches, None)
            except self.errors as error:
                raise self._damaged(error) from error
            if batch is None:
                return
            yield batch.to_pandas(ignore_metadata=True)[self.columns]

    def ids(self) -> Any:
        """Return the columns in the types of the file."""
        if not self.id_columns:
            return None
        try:
            table = self.file.read(self.id_columns)
        except self.errors as error:
            raise self._damaged(error) from error
        return _with_index(table.replace_schema_metadata(), self.index)

    def _damaged(self, error: Exception) -> ValueError:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return ValueError(f"{self.path} is damaged, or not a Parquet file: {reason.rstrip('.')}.")


def _range_of(index: list[Any], n_rows: int) -> range | None:
    """Return the index of a table if pandas has written it as a range of its rows."""
    if len(index) == 1 and isinstance(index[0], dict) and index[0].get("kind") == "range":
        numbers = range(index[0]["start"], index[0]["stop"], index[0]["step"])
        if len(numbers) == n_rows:  # pyarrow keeps the range when it takes a part of the rows
            return numbers
    return None


class CsvRows:
    """Rows of a CSV or TSV file."""

    numbers: range | None = None

    def __init__(self, path: Path, spec: InputSpec, selection: Selection) -> None:
        self.path, self.is_text = path, spec.kind in ("text", "labels")
        first = next(csv_chunks(path, 1, text=self.is_text), None)
        if first is None:
            raise ValueError(f"{path} has no rows, only names of columns: write it again.")
        self.names = [str(name) for name in first.columns]
        index = [name for name in self.names[:1] if _UNNAMED.fullmatch(name)]  # as pandas writes it
        self.index, self.id_columns, self.columns = _choose(
            path, self.names, index, spec, selection
        )
        # all at once, for one type of each column
        self.id_table = self._read(self.id_columns or self.names[:1])
        self.n_rows = len(self.id_table)

    def _read(self, names: Sequence[str]) -> Any:
        import pandas as pd

        positions = [self.names.index(name) for name in names]
        parts = list(csv_chunks(self.path, 1 << 20, columns=positions, text=self.is_text))
        table = pd.concat(parts, ignore_index=True)
        return table.set_axis([self.names[i] for i in sorted(positions)], axis=1)

    def chunks(self, size: int) -> Iterator[Any]:
        """Yield data frames."""
        for chunk in csv_chunks(self.path, size, text=self.is_text):
            yield chunk.set_axis(self.names, axis=1)[self.columns].reset_index(drop=True)

    def ids(self) -> Any:
        """Return the columns in the types that pandas finds."""
        if not self.id_columns:
            return None
        import pyarrow

        table = pyarrow.Table.from_pandas(self.id_table[self.id_columns], preserve_index=False)
        return _with_index(table.replace_schema_metadata(), self.index)


def _choose(
    path: Path, names: list[str], index: list[str], spec: InputSpec, selection: Selection
) -> tuple[list[str], list[str], list[str]]:
    """Return the index of the table, all columns that identify rows, and those of the modality."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{path} has more than one column {twice[0]!r}: give each a name.")
    for name in (*selection.ids, *selection.columns):
        if name not in names:
            raise ValueError(f"{path} has no column {name!r}." + suggest(name, names))
    index = [name for name in index if name not in selection.columns]
    ids = [*index, *(name for name in selection.ids if name not in index)]
    columns = list(selection.columns)
    if not columns and spec.columns:
        columns = list(spec.columns)
        if lacking := [name for name in columns if name not in names]:
            few = ", ".join(repr(name) for name in lacking[:_SHOWN])
            raise ValueError(
                f"{path} lacks {len(lacking)} of the {len(columns)} columns of modality "
                f"{spec.name!r}: {few}{', …' if len(lacking) > _SHOWN else ''}. Rename its columns "
                "as those of the training." + suggest(lacking[0], names)
            )
    columns = columns or [name for name in names if name not in ids]
    if not selection.columns and spec.kind in ("text", "labels") and len(columns) > 1:
        few = ", ".join(map(repr, columns[:_SHOWN])) + (", …" if len(columns) > _SHOWN else "")
        raise ValueError(
            f"{path} has {len(columns)} columns ({few}), but modality {spec.name!r} is one column "
            f"of {spec.kind}: name it with --columns, or the others with --id or --metadata (in "
            "Python columns=, ids= or id_column=, metadata=)."
        )
    if not columns:
        raise ValueError(f"{path} has no columns but those that identify the rows, {ids}.")
    return index, ids, columns


def _with_index(table: Any, index: list[str]) -> Any:
    """Return a table of which pandas makes these columns the index when it reads it."""
    import pyarrow

    frame = table.slice(0, 1).to_pandas()
    if not index:
        return table
    plain = {name: f"__index_level_{i}__" for i, name in enumerate(index) if _UNNAMED.match(name)}
    frame = frame.set_index(index).rename_axis([None if n in plain else n for n in index])
    metadata = pyarrow.Schema.from_pandas(frame).metadata
    names = [plain.get(name, name) for name in table.column_names]
    return table.rename_columns(names).replace_schema_metadata(metadata)
