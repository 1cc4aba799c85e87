"""Embeddings in files, read as matrices, with one-line errors for other files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._checks.devices import Matrix
from .._checks.matrices import as_matrix
from .._checks.parameters import suggest
from .._checks.vector_cells import stack_rows
from ..files.digest import sha256_of
from ._measurement import Source
from ._table_files import TABLES, read_table, with_index

ARRAYS = (".npy", ".npz")
READABLE = (*ARRAYS, *TABLES)
_NPY, _ZIP = b"\x93NUMPY", b"PK"
_MEMBER = re.compile(r"(?P<path>.*\.npz):(?P<member>[^/\\]+)", re.IGNORECASE | re.DOTALL)


def read_matrix(path: str | os.PathLike[str]) -> Matrix:
    """Return the embeddings in a file, one row per sample; a ``.npy`` file is memory-mapped.

    Parameters
    ----------
    path : path
        ``.npy``; ``.npz`` with one array, or ``FILE.npz:NAME`` for one of several; ``.csv``,
        ``.tsv`` or ``.parquet`` of numbers, with or without names in the first line, or of one
        column of lists. The index that pandas writes is left out. Pickled objects are never read,
        since that can run code.

    Returns
    -------
    ndarray (n_samples, n_features)
        float32 or float64, finite.

    Raises
    ------
    ValueError
        If the file has other content; the message says where and what to do.
    OSError
        If it cannot be read.
    NotInstalledError
        If a package is missing that reads this kind of file.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from mibsk.reporting import read_matrix
    >>> path = tempfile.mkdtemp() + "/image.npy"
    >>> np.save(path, np.eye(3))
    >>> read_matrix(path).shape
    (3, 3)
    """
    return read_rows(path)[0]


def read_rows(
    path: str | os.PathLike[str], *, flat: bool = False
) -> tuple[Matrix, pd.Index[Any] | None]:
    """Return the embeddings in a file as :func:`read_matrix` does, and the names of the rows.

    If `flat`, the rows of an array may have more dimensions, such as images, and rows of NaN alone
    are missing ones.

    A table has names if pandas has written them, to CSV as a first column without a name, or if its
    first column has strings that differ.
    """
    name = os.fspath(path)
    file, member = locate(name)
    suffix = file.suffix.lower()
    names = None
    if suffix in ARRAYS:
        array = read_array(file, member)
    else:
        table = with_index(read_table(file), of_numbers=True)
        array, names = _numbers(table, name), table.index
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} holds values of type {array.dtype}, not real numbers: save it with "
            "astype(np.float32)."
        )
    if flat and array.ndim > 2 and len(array):
        array = array.reshape(len(array), -1)
    return as_matrix(array, name, missing_rows=flat), names


def locate(name: str) -> tuple[Path, str | None]:
    """Return the file and the array in it that a name refers to.

    Raises
    ------
    ValueError
        If the file does not exist, is empty, or of an unknown kind.
    """
    match = None if os.path.exists(name) else _MEMBER.fullmatch(name)
    file = Path(match["path"]) if match else Path(name)
    if file.is_dir():
        raise ValueError(
            f"{file} is a folder: pass one file, {_one_of(READABLE)}, or two folders to compare."
        )
    if not file.exists():
        raise ValueError(f"{file} does not exist{_similar(file)}")
    suffix = file.suffix.lower()
    if suffix not in READABLE:
        hint = ": save the tensor with np.save(path, tensor.numpy())" if suffix == ".pt" else ""
        raise ValueError(
            f"{file} ends in {file.suffix!r}, expected {_one_of(READABLE)}{hint or ': convert it'}"
        )
    if file.stat().st_size == 0:
        raise ValueError(f"{file} is empty (0 bytes): write it again.")
    return file, match["member"] if match else None


def source_of(path: str | os.PathLike[str]) -> Source:
    """Return path and digest of a readable file."""
    name = os.fspath(path)
    return Source(name, sha256_of(locate(name)[0]))


def read_array(file: Path, member: str | None) -> np.ndarray:
    """Return the array of a ``.npy`` file, mapped, or one of a ``.npz`` archive."""
    with open(file, "rb") as stream:
        start = stream.read(len(_NPY))
    if file.suffix.lower() == ".npz":
        if not start.startswith(_ZIP):
            raise ValueError(
                f"{file} is not a .npz archive, or is damaged: write it with np.savez."
            )
        return _read_archive(file, member)
    if start != _NPY:
        what = "a .npz archive: rename it" if start.startswith(_ZIP) else "not a .npy file"
        raise ValueError(f"{file} is {what}; np.save writes .npy files of numbers.")
    array: np.ndarray = _load(lambda: np.load(file, mmap_mode="r", allow_pickle=False), str(file))
    return array


def _read_archive(file: Path, member: str | None) -> np.ndarray:
    with open(file, "rb") as stream:
        archive = _load(lambda: np.load(stream, allow_pickle=False), str(file))
        names = archive.files
        if not names:
            raise ValueError(f"{file} holds no array: write it with np.savez(path, X).")
        if member is None and len(names) > 1:
            raise ValueError(
                f"{file} holds {len(names)} arrays ({', '.join(names)}): say which, as in "
                f"{file}:{names[0]}."
            )
        chosen = names[0] if member is None else member
        if chosen not in names:
            raise ValueError(f"{file} has no array {chosen!r}: it holds {', '.join(names)}.")
        return np.asarray(_load(lambda: archive[chosen], f"{file}:{chosen}"))


def _load(read: Callable[[], Any], name: str) -> Any:
    """Return what `read` returns, and turn its errors into one line."""
    try:
        return read()
    except MemoryError as error:
        raise ValueError(f"{name} does not fit into memory: save it as .npy.") from error
    except Exception as error:  # damaged bytes can raise anything
        if "object" in str(error).lower() or "pickle" in str(error).lower():
            raise ValueError(
                f"{name} holds pickled Python objects, which are never read, since that can run "
                "code: save numbers, with np.save(path, np.asarray(X, dtype=np.float32))."
            ) from error
        raise ValueError(
            f"{name} is incomplete or damaged ({_first_sentence(error)}): write it again."
        ) from error


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return the cells of a table as numbers; a single column of lists is one row per list."""
    if table.shape[1] == 1:
        rows = _lists(table.iloc[:, 0])
        if any(isinstance(row, list | np.ndarray) for row in rows):
            what = f"{name}: column {str(table.columns[0])[:40]!r}"
            return _real(what, stack_rows(what, rows))
    if not len(table):
        raise ValueError(f"{name} has no rows, only names of columns: write it again.")
    for position, column in enumerate(table.columns):
        cells = table.iloc[:, position]
        if pd.api.types.is_numeric_dtype(cells.dtype) and cells.dtype.kind != "c":
            continue
        numbers = pd.to_numeric(cells, errors="coerce")
        wrong = cells[numbers.isna() & cells.notna()]
        example = f" ({str(wrong.iloc[0])[:30]!r} in row {wrong.index[0]})" if len(wrong) else ""
        raise ValueError(
            f"{name} has values that are not numbers in column {str(column)[:40]!r}{example}: "
            + _remedy(str(wrong.iloc[0]) if len(wrong) else "")
        )
    return table.to_numpy(dtype=np.float64, na_value=np.nan)


def _lists(cells: pd.Series[Any]) -> list[Any]:
    """Return the cells of a column, and those that hold a list as JSON as lists."""
    found = cells.tolist()
    for i, cell in enumerate(found):
        if isinstance(cell, str) and cell.lstrip().startswith("["):
            try:
                found[i] = json.loads(cell)
            except ValueError:
                return cells.tolist()
    return found


def _real(what: str, rows: np.ndarray) -> np.ndarray:
    """Return rows that lists gave as numbers, missing ones as NaN."""
    if rows.dtype.kind != "O":
        return rows
    try:
        return rows.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} has lists of values that are not numbers: {error}.") from error


def _remedy(cell: str) -> str:
    if cell.lstrip().startswith("["):
        return "keep only that column, with a list in each cell as json.dumps writes it."
    return "encode them as numbers, or leave the column out."


def _similar(file: Path) -> str:
    if not file.parent.is_dir():
        return f": there is no folder {file.parent}"
    names = [p.name for p in file.parent.iterdir() if p.suffix.lower() in READABLE]
    return suggest(file.name, names).replace(" Did", ": did") or ": check the path"


def _one_of(suffixes: tuple[str, ...]) -> str:
    return f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"


def _first_sentence(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].strip(" .:")[:120]
