"""Files of embeddings, written whole, with a record of what they were computed from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._checks.packages import not_installed
from ..files.whole_files import replace_file, whole_file

FORMATS = ("parquet", "npy")
_KEY = b"mibsk_embedding"  # in the metadata of a Parquet file


class Record(NamedTuple):
    """What a file of embeddings was computed from.

    Parameters
    ----------
    model, rows : str
        SHA-256 of the files.
    modality : str
        Name of the modality.
    ids, columns : list of str
        Columns that were named.
    """

    model: str
    rows: str
    modality: str
    ids: list[str]
    columns: list[str]

    def difference(self, earlier: Record) -> str:
        """Say what has changed since an earlier record; empty if nothing has."""
        changed = [name for name in self._fields if getattr(self, name) != getattr(earlier, name)]
        return f"{' and '.join(changed)} changed" if changed else ""


def read_record(path: Path) -> Record | None:
    """Return the record of a file of embeddings, or None if this program has not finished it.

    Raises
    ------
    ValueError
        If the file, or the one beside it, was written by another program.
    """
    side, found = _side_file(path), None
    has_side = path.suffix == ".npy" and side.exists()
    if has_side:
        found = side.read_bytes()
    elif not path.exists():
        return None
    elif path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        try:
            found = (pyarrow.parquet.read_schema(path).metadata or {}).get(_KEY)
        except (pyarrow.ArrowException, OSError):
            found = None
    try:
        values = json.loads(found or b"")
        record = Record(**values) if values else None
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{side if has_side else path} exists and was not written by `mibsk embed`: move it, "
            "or choose another folder."
        ) from error
    return None if has_side and not _is_array(path) else record


def write_embeddings(
    path: Path,
    record: Record,
    chunks: Iterator[np.ndarray],
    names: list[str],
    *,
    ids: Any,
    shape: tuple[int, int],
    dtype: np.dtype[Any],
) -> None:
    """Write a file of embeddings, replacing an existing one at the end.

    Parameters
    ----------
    path : Path
        Destination path, ending in one of `FORMATS`.
    record : Record
        What the embeddings are computed from.
    chunks : iterator of ndarray (k, d)
        The embeddings.
    names : list of str
        Names of their columns.
    ids : pyarrow.Table or None
        Columns that identify the rows, in front of the embeddings; not written to ``.npy``.
    shape : tuple of int (n, d)
        Shape of all embeddings.
    dtype : dtype
        Their type.
    """
    text = json.dumps(record._asdict()).encode()
    if path.suffix == ".npy":
        side = _side_file(path)
        replace_file(side, [b"{}"])  # not finished, should the process end here
        try:
            _write_array(path, chunks, shape, dtype)
        except BaseException:
            if not path.exists():
                side.unlink(missing_ok=True)
            raise
        replace_file(side, [text])
    else:
        _write_parquet(path, text, chunks, names, ids, dtype)


def _is_array(path: Path) -> bool:
    """Whether a file is there and as long as its header says."""
    try:
        np.load(path, mmap_mode="r")
    except (EOFError, OSError, ValueError):
        return False
    return True


def _side_file(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _write_array(
    path: Path, chunks: Iterator[np.ndarray], shape: tuple[int, int], dtype: np.dtype[Any]
) -> None:
    description = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    with whole_file(path) as file:
        np.lib.format.write_array_header_1_0(file, description)
        for z in chunks:
            file.write(np.ascontiguousarray(z, dtype).data)


def _write_parquet(
    path: Path,
    record: bytes,
    chunks: Iterator[np.ndarray],
    names: list[str],
    ids: Any,
    dtype: np.dtype[Any],
) -> None:
    pyarrow = import_pyarrow(f"to write {path}")
    kind = pyarrow.from_numpy_dtype(dtype)
    fields = [pyarrow.field(name, kind) for name in names]
    metadata = {_KEY: record}
    if ids is not None:
        if both := {*names} & {*ids.column_names}:
            raise ValueError(f"the column {min(both)!r} has the name of an embedding: rename it.")
        fields = [*ids.schema, *fields]
        metadata |= ids.schema.metadata or {}
    schema = pyarrow.schema(fields, metadata=metadata)
    start = 0
    with whole_file(path) as file, pyarrow.parquet.ParquetWriter(file, schema) as writer:
        for z in chunks:
            columns = [pyarrow.array(np.ascontiguousarray(z[:, j])) for j in range(z.shape[1])]
            part = [] if ids is None else ids.slice(start, len(z)).columns
            writer.write_table(pyarrow.Table.from_arrays([*part, *columns], schema=schema))
            start += len(z)


def import_pyarrow(purpose: str) -> Any:
    """Return pyarrow with its reader of Parquet.

    Raises
    ------
    NotInstalledError
        If it is missing.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise not_installed(purpose, "pyarrow") from error
    return pyarrow
