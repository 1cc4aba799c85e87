"""Rows of a file with their ids, metadata and contents, in chunks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._checks.packages import not_installed
from ..bundle import EncoderFile
from ..embedding import Selection, open_rows
from ..files.digest import sha256_of
from ..reporting import csv_chunks
from ._columns import EXACT
from ._content import content_of, media_type_of
from ._row_ids import ids_of
from ._values import Content

_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)


@dataclass(frozen=True)
class Options:
    """What is read of files of rows.

    Parameters
    ----------
    id_column : str or None
        Column of ids; None: the index that pandas has written, or the number of the row.
    columns : tuple of str
        Columns of the modality; none: those of the training, or all others.
    metadata : tuple of str
        Columns of metadata.
    contents : str or None
        Column or folder of what people see or hear; None: the rows themselves are shown.
    prefix : str
        Text in front of each id.
    """

    id_column: str | None = None
    columns: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    contents: str | None = None
    prefix: str = ""


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file.

    Parameters
    ----------
    start : int
        Number of the first row in its file.
    ids : list of str (n,)
    rows : array or data frame (n, ...)
        Rows as the encoder takes them.
    metadata : DataFrame (n, columns) or None
    cells : list (n,) or None
        Cells of the column of contents.
    """

    start: int
    ids: list[str]
    rows: Any
    metadata: pd.DataFrame | None
    cells: list[Any] | None

    def take(self, chosen: np.ndarray) -> Chunk:
        """Return the rows at some positions."""
        if len(chosen) == len(self.ids):
            return self
        plain = isinstance(self.rows, np.ndarray)
        return Chunk(
            self.start,
            [self.ids[i] for i in chosen],
            self.rows[chosen] if plain else self.rows.iloc[chosen],
            None if self.metadata is None else self.metadata.iloc[chosen],
            None if self.cells is None else [self.cells[i] for i in chosen],
        )


class Source(NamedTuple):
    """Where rows of an index are from; its text is stored beside each of them.

    Parameters
    ----------
    file, state, ids, folder : str
        Digests of the file, of what else its rows depend on (the number of the first one, columns,
        how they are shown), of how their ids are made, and of the name of its folder.
    name : str
        Name of the file.
    """

    file: str
    state: str
    ids: str
    folder: str
    name: str

    def __str__(self) -> str:
        return "|".join(self)

    @classmethod
    def read(cls, text: str) -> Source:
        """Return the source of its text; that of another program has no parts."""
        parts = text.split("|", len(cls._fields) - 1)
        return cls(*parts) if len(parts) == len(cls._fields) else cls("", "", "", "", text)

    def is_earlier(self, other: Source) -> bool:
        """Whether both are of one file with the same ids, read before it or the options changed."""
        return self[2:] == other[2:] and self != other


class Corpus:
    """Rows of one file.

    Parameters
    ----------
    path : Path
        A file that :func:`mibsk.embedding.open_rows` opens.
    encoder : EncoderFile
        Encoder of the modality, with the rows that it takes and how they are shown.
    options : Options
        What is read of the file.

    Attributes
    ----------
    ids : list of str
        Ids of all rows.
    n_rows : int
        Number of rows.
    by_number : bool
        Whether ids are numbers of rows, or an index of pandas that counts from 0.
    has_index : bool
        Whether pandas has written an index, also one that counts from 0.

    Raises
    ------
    ValueError
        If the file cannot be read, or lacks a column or an id.
    """

    def __init__(self, path: Path, encoder: EncoderFile, options: Options) -> None:
        self.path, self.encoder, self.options = path, encoder, options
        self._files, self._column = None, options.contents
        if options.contents is not None and Path(options.contents).is_dir():
            self._files, self._column = _files_by_name(Path(options.contents)), None
        named = [each for each in (options.id_column, *options.metadata, self._column) if each]
        file = open_rows(path, encoder.input, Selection(tuple(named), options.columns))
        self._columns = tuple(file.columns)
        self.n_rows = file.n_rows
        column = options.id_column or (file.index[0] if len(file.index) == 1 else None)
        counted = range(file.n_rows)
        self.has_index = column is not None or file.numbers is not None
        self.by_number = column is None and file.numbers in (None, counted)
        self._first = 0
        if column is None:
            ids = ids_of(file.numbers or counted)
        else:
            ids = ids_of(_cells(path, [column], text=True)[column])
        if None in ids:
            raise ValueError(f"{path} has no {column!r} in row {ids.index(None)}: each needs one.")
        self.ids = [f"{options.prefix}{each}" for each in ids]
        self._metadata = None
        if options.metadata:
            cells = _cells(path, options.metadata)
            self._metadata = pd.DataFrame(
                {name: pd.Series(each, dtype=object) for name, each in cells.items()}
            )

    def count_from(self, first: int) -> None:
        """Identify the rows by numbers that go on from those of other files."""
        self._first = first
        self.ids = [f"{self.options.prefix}{first + i}" for i in range(self.n_rows)]

    @cached_property
    def source(self) -> Source:
        """What the rows are, and where they are from, for :meth:`Index.add`."""
        read = self.options
        display = self.encoder.display.to_dict()
        return Source(
            sha256_of(self.path),
            _digest([self._first, read.columns, read.metadata, read.contents, display]),
            _digest([read.id_column, read.prefix]),
            _digest(str(self.path.resolve().parent)),
            self.path.name,
        )

    @property
    def has_files(self) -> bool:
        """Whether a folder of contents, if one is given, has a file of one of the rows."""
        if self._files is None or not self.ids:
            return True
        return any(self._name(each) in self._files for each in self.ids)

    def _name(self, id_: str) -> str:
        return id_.removeprefix(self.options.prefix)

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Yield all rows, `size` at a time."""
        spec, start = self.encoder.input, 0
        extra = () if self._column is None else (self._column,)
        file = open_rows(self.path, spec, Selection((), (*self._columns, *extra)))
        for table in file.chunks(size):
            rows, part = table, slice(start, start + len(table))
            if not isinstance(table, np.ndarray):
                rows = table[list(self._columns)]
                if not spec.columns:
                    rows = rows.iloc[:, 0] if rows.shape[1] == 1 else rows.to_numpy()
            cells = None if self._column is None else table[self._column].tolist()
            metadata = None if self._metadata is None else self._metadata.iloc[part]
            yield Chunk(start, self.ids[part], rows, metadata, cells)
            start += len(table)

    def in_files(self, chunk: Chunk) -> np.ndarray:
        """Return whether the contents of the rows of a chunk are files of their own (n,)."""
        if chunk.cells is None:
            return np.full(len(chunk.ids), self._files is not None)
        return np.array([isinstance(_bytes_or_path(each), str) for each in chunk.cells], bool)

    def content(self, chunk: Chunk, i: int) -> Content | None:
        """Return what a person sees or hears of the i-th row of a chunk.

        Raises
        ------
        ValueError
            If a column names a file that does not exist.
        """
        if self._files is not None:
            name = self._name(chunk.ids[i])
            return _of_file(self._files[name]) if name in self._files else None
        if chunk.cells is None:
            row = chunk.rows[i] if isinstance(chunk.rows, np.ndarray) else chunk.rows.iloc[i]
            return content_of(row, self.encoder.input, self.encoder.display)
        cell = _bytes_or_path(chunk.cells[i])
        if isinstance(cell, bytes):
            return Content(cell, media_type_of(cell))
        if cell is None:
            return None
        folder = self.path.parent
        path = folder / cell
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(
                f"{self.path} names {cell!r} in column {self._column!r}, which is not in the "
                "folder of the rows: copy the files into it, as contents can be seen by "
                "whoever searches."
            )
        if not path.is_file():
            raise ValueError(
                f"{self.path} names {cell!r} in column {self._column!r}, but {path} is no file: "
                "give paths relative to the folder of the rows."
            )
        return _of_file(path)


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def _cells(path: Path, names: Sequence[str], *, text: bool = False) -> dict[str, list[Any]]:
    """Return columns of a table as Python's values, None where one is missing.

    In pandas, integers beside missing ones would be rounded to float64. With `text`, cells of CSV
    are not converted: "007" is not 7.
    """
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path, columns=list(names))
        return {name: table.column(name).to_pylist() for name in names}
    parts = list(csv_chunks(path, 1 << 20, text=True, dtype=str if text else None))
    frame = pd.concat(parts, ignore_index=True)
    frame.columns = [str(name) for name in frame.columns]
    missing = frame[list(names)].isna()
    cells = {
        name: [None if m else e for e, m in zip(frame[name], missing[name], strict=True)]
        for name in names
    }
    return cells if text else {name: _converted(each) for name, each in cells.items()}


def _converted(values: list[Any]) -> list[Any]:
    """Return dates as such, and integers, which pandas has read as float64 beside missing ones."""
    found = [each for each in values if each is not None]
    convert: Any = None
    if all(isinstance(each, str) and _DATE.fullmatch(each) for each in found):
        convert = pd.Timestamp
    elif len(found) < len(values) and all(
        isinstance(e, float) and e.is_integer() and abs(e) < EXACT for e in found
    ):
        convert = int
    return [None if e is None else convert(e) for e in values] if convert and found else values


def _bytes_or_path(cell: Any) -> bytes | str | None:
    """Return what a cell of the column of contents holds."""
    if isinstance(cell, dict):  # bytes and path, as files of the library "datasets" have them
        cell = cell.get("bytes") or cell.get("path")
    return cell if isinstance(cell, bytes | str) else None


def _files_by_name(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by their name without its ending.

    Raises
    ------
    ValueError
        If two files differ in the ending alone.
    """
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            if path.stem in files:
                raise ValueError(
                    f"{folder} has {files[path.stem].name} and {path.name}, which would both be "
                    f"shown for the row {path.stem!r}: move one of them."
                )
            files[path.stem] = path
    return files


def _of_file(path: Path) -> Content:
    data = path.read_bytes()
    return Content(data, media_type_of(data))


def check_readable() -> None:
    """Raise unless the package is there that reads columns of ids."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise not_installed("to read files of rows", "pyarrow") from error
