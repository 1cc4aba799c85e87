"""The embeddings of the rows of one file: one task, here or on a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..files.digest import sha256_of
from ._model_files import encoder_of
from ._output_files import Record, read_record, write_embeddings
from ._row_files import RowFile, Selection, open_rows

Progress = Callable[[int, int], None]
"""Is told how many of the rows of a file are done."""


@dataclass(frozen=True)
class Task:
    """A file of rows to embed; all paths are absolute.

    Parameters
    ----------
    rows, target : Path
        The file of rows and that of their embeddings.
    model : Path
        The model.
    digest : str
        SHA-256 of the model.
    modality : str
        Name of the modality.
    selection : Selection
        Columns of the modality, and those that identify the rows.
    batch_size : int
        Number of rows that are read and embedded at a time.
    """

    rows: Path
    target: Path
    model: Path
    digest: str
    modality: str
    selection: Selection
    batch_size: int


@dataclass(frozen=True)
class Outcome:
    """What became of a file of rows.

    Parameters
    ----------
    rows, target : Path
        The file of rows and that of their embeddings.
    status : {"embedded", "up to date", "failed"}
        "up to date" if an earlier run has embedded the same rows with the same model.
    reason : str
        What failed, or what has changed since an earlier run; else empty.
    n_rows : int
        Number of rows that were embedded.
    """

    rows: Path
    target: Path
    status: Literal["embedded", "up to date", "failed"]
    reason: str = ""
    n_rows: int = 0


def embed_file(task: Task, progress: Progress | None = None) -> Outcome:
    """Embed the rows of a file, unless that is done; an error becomes a failed outcome."""
    try:
        return _embed(task, progress)
    except Exception as error:  # whatever it is, the other files are embedded
        known = isinstance(error, ValueError | TypeError | OSError)
        what = str(error) if known and str(error) else f"{type(error).__name__}: {error}"
        return Outcome(task.rows, task.target, "failed", what)


def _embed(task: Task, progress: Progress | None) -> Outcome:
    encoder = encoder_of(task.model, task.digest, task.modality, task.batch_size)
    file = open_rows(task.rows, encoder.input_, task.selection)
    record = Record(
        task.digest,
        sha256_of(task.rows),
        task.modality,
        list(task.selection.ids),
        list(task.selection.columns),
    )
    earlier = read_record(task.target)
    reason = "" if earlier is None else record.difference(earlier)
    if earlier is not None and not reason:
        return Outcome(task.rows, task.target, "up to date")
    width = len(encoder.get_feature_names_out())
    chunks = _embeddings(encoder, file, task, progress)
    first = next(chunks, np.empty((0, width), np.float32))
    write_embeddings(
        task.target,
        record,
        chain([first], chunks),
        [f"{task.modality}_{j}" for j in range(width)],
        ids=None if task.target.suffix == ".npy" else file.ids(),
        shape=(file.n_rows, width),
        dtype=first.dtype,
    )
    return Outcome(task.rows, task.target, "embedded", reason, file.n_rows)


def _embeddings(
    encoder: Any, file: RowFile, task: Task, progress: Progress | None
) -> Iterator[np.ndarray]:
    """Yield the embeddings of each chunk of rows."""
    start = 0
    for chunk in file.chunks(task.batch_size):
        rows = chunk
        if not isinstance(chunk, np.ndarray) and not encoder.input_.columns:
            rows = chunk.iloc[:, 0] if chunk.shape[1] == 1 else chunk.to_numpy()
        try:
            with warnings.catch_warnings():  # an array has no names, but the columns of training
                warnings.filterwarnings("ignore", "X does not have valid feature names")
                z = encoder.transform(rows)
        except (TypeError, ValueError) as error:
            where = f", where row 0 is row {start} of the file" if start else ""
            raise ValueError(f"{task.rows}{where}: {error}") from error
        yield np.asarray(z)
        start += len(z)
        if progress is not None:
            progress(start, file.n_rows)
