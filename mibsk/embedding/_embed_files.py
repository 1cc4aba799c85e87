"""Embedding of the rows of many files, here or on a Dask cluster."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .._checks.parameters import check_scalar
from ..files.digest import sha256_of
from ..files.whole_files import remove_unfinished
from ._cluster import embed_on_cluster
from ._model_files import encoder_of, load_encoder
from ._one_file import Outcome, Task, embed_file
from ._output_files import FORMATS, import_pyarrow
from ._row_files import Selection

PathLike = str | os.PathLike[str]
Progress = Callable[[float, int, str], None]
"""Called as ``progress(n_done, n_all, title)``; the title is empty while a file is being read."""


def embed_files(
    model: PathLike,
    files: PathLike | Sequence[PathLike],
    folder: PathLike,
    *,
    modality: str | None = None,
    ids: str | Sequence[str] = (),
    columns: str | Sequence[str] = (),
    batch_size: int = 1024,
    format: str | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Embed the rows of one modality in many files, into one file each.

    A file is written whole or not at all, and records what it was computed from. If the call is
    repeated, files that were embedded with the same model are left as they are; those that have
    changed, or were embedded with another model, are embedded again. A file that cannot be embedded
    does not stop the others.

    Parameters
    ----------
    model : path
        A file that :meth:`mibsk.IBAligner.save` or :meth:`mibsk.CanonicalBottleneck.save` has
        written, or an encoder exported to ONNX, for which torch is not needed.
    files : path or sequence of path
        ``.npy`` arrays (n, ...), or ``.parquet``, ``.csv`` and ``.tsv`` tables of numbers, of one
        column of lists, or of one column of text; they are read in chunks.
    folder : path
        Folder of the embeddings, created if needed; each file keeps its name.
    modality : str, default=None
        Modality of the rows; None if the model has only one.
    ids : str or sequence of str, default=()
        Columns that identify the rows, copied to the output, such as the key of a join. The index
        that pandas writes is always copied.
    columns : str or sequence of str, default=()
        Columns of the modality. By default those that it had in training or, if they had no names,
        all that do not identify the rows.
    batch_size : int, default=1024
        Number of rows that are read and embedded at a time.
    format : {"parquet", "npy"}, default=None
        Format of the output. None: ``.npy`` for arrays, and Parquet for tables. A ``.npy`` file has
        no columns that identify rows, but the rows in their order, and a ``.json`` file beside it.
    scheduler : str, default=None
        Address of a Dask scheduler, such as ``tcp://host:8786``; each file is one task of its
        workers, done again if a worker is lost. Model, rows and `folder` must have the same paths
        on all machines. None: this process embeds them, one after the other.
    progress : callable, default=None
        Called as ``progress(n_done, n_all, title)``.

    Returns
    -------
    list of Outcome
        For each file its `status` ("embedded", "up to date" or "failed"), with the `reason`.

    Raises
    ------
    ValueError, TypeError, OSError
        If the model or an option cannot be used; nothing is then written.
    NotInstalledError
        If a package is missing: for Parquet, for the model, or for the cluster.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from mibsk import IBAligner
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.embedding import embed_files
    >>> halves = load_digits_halves().data
    >>> folder = Path(tempfile.mkdtemp())
    >>> IBAligner(max_epochs=1, random_state=0).fit(halves).save(folder / "aligner.safetensors")
    >>> np.save(folder / "left.npy", halves["left"])
    >>> (done,) = embed_files(
    ...     folder / "aligner.safetensors", [folder / "left.npy"], folder / "out", modality="left"
    ... )
    >>> done.status, done.n_rows, len(np.load(done.target))
    ('embedded', 1797, 1797)
    """
    check_scalar("batch_size", batch_size, low=1, integer=True)
    source = Path(os.path.abspath(model))
    encoder = load_encoder(source, modality, batch_size)
    digest, name = sha256_of(source), encoder.input_.name
    rows = [Path(os.path.abspath(path)) for path in _several(files)]
    if not rows:
        raise ValueError("there are no files of rows: pass at least one.")
    targets = _targets(rows, Path(os.path.abspath(folder)), format)
    selection = Selection(tuple(_several(ids)), tuple(_several(columns)))
    tasks = [
        Task(path, target, source, digest, name, selection, batch_size)
        for path, target in zip(rows, targets, strict=True)
    ]
    if scheduler is not None:
        done = embed_on_cluster(tasks, scheduler, progress)
    else:
        done = _embed_here(tasks, progress)
    for outcome in done:
        if outcome.status != "failed":
            remove_unfinished(outcome.target)
    return done


def _several(given: Any) -> Sequence[Any]:
    """Return paths or names, of which a single one is one, not the letters of it."""
    return [given] if isinstance(given, str | os.PathLike) else given


def _embed_here(tasks: Sequence[Task], progress: Progress | None) -> list[Outcome]:
    done = []
    for i, task in enumerate(tasks):
        if progress is None:
            done.append(embed_file(task))
            continue
        progress(i, len(tasks), task.rows.name)
        done.append(
            embed_file(task, lambda k, n, i=i: progress(i + k / max(n, 1), len(tasks), ""))  # type: ignore[misc]
        )
    encoder_of.cache_clear()
    return done


def _targets(rows: Sequence[Path], folder: Path, format: str | None) -> list[Path]:
    """Return the file of the embeddings of each file of rows.

    Raises
    ------
    ValueError
        If two are the same, or one is a file of rows.
    """
    if format not in (None, *FORMATS):
        raise ValueError(f"format must be {' or '.join(FORMATS)}, got {format!r}.")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: give one for the embeddings.")
    suffixes = [format or ("npy" if path.suffix.lower() == ".npy" else "parquet") for path in rows]
    targets = [folder / f"{path.stem}.{end}" for path, end in zip(rows, suffixes, strict=True)]
    target, n = Counter(targets).most_common(1)[0]
    if n > 1:
        same = [str(path) for path, each in zip(rows, targets, strict=True) if each == target]
        raise ValueError(
            f"{' and '.join(same[:2])} would both be embedded into {target}: rename one, or embed "
            "them into different folders."
        )
    own = {path.resolve() for path in rows}
    if overwritten := [path for path in targets if path.resolve() in own]:
        raise ValueError(f"{overwritten[0]} would replace the rows: choose another folder.")
    if "parquet" in suffixes:
        import_pyarrow("to write Parquet (format 'npy' needs no package)")
    return targets
