"""Two folders of embeddings of the same rows, measured side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .._checks.row_names import check_row_names
from ._comparison import SideBySide
from ._matrix_files import READABLE
from ._measure import Progress
from ._printable import printable
from ._report_files import PathLike, measure_read, read_files


def measure_folders(
    before: PathLike,
    after: PathLike,
    labels: PathLike | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> SideBySide:
    """Measure the embeddings in two folders, and how much they differ.

    Both runs are measured on the same rows and resamples, so that variation common to both cancels
    in the difference, as in :func:`mibsk.metrics.compare`.

    Parameters
    ----------
    before, after : path
        Folders with two files of embeddings each, of the same names in both; row i is the same in
        all four.
    labels : path, default=None
        A file that :func:`read_labels` reads, for both; it may be in one of the folders.
    progress : callable, default=None
        As in :func:`measure_files`.
    **options
        Those of :func:`measure_files`.

    Returns
    -------
    SideBySide

    Raises
    ------
    ValueError, TypeError, OSError
        If the folders do not have the same two files, the names of the rows contradict that they
        are the same in all, or a file or an option cannot be used.
    """
    pairs = files_of_folders(before, after, labels)
    read = [read_files(pair, labels, progress=progress, **options) for pair in pairs]
    n_rows, n_after = (len(files.sides[0]) for files in read)
    if n_rows != n_after:
        raise ValueError(
            f"{os.fspath(before)} has {n_rows} rows, {os.fspath(after)} has {n_after}: embed the "
            "same rows with both."
        )
    check_row_names({**read[0].rows, **read[1].rows}, files=True)
    first, second = (measure_read(files, progress=progress, **options) for files in read)
    names = [printable(Path(os.path.abspath(folder)).name) for folder in (before, after)]
    return SideBySide(
        first, second, (names[0], names[1]) if names[0] != names[1] else ("before", "after")
    )


def files_of_folders(
    before: PathLike, after: PathLike, labels: PathLike | None = None
) -> list[tuple[str, str]]:
    """Return the paths of the two files of embeddings in each folder.

    Raises
    ------
    ValueError
        If the folders do not have the same two files.
    """
    left_out = None if labels is None else os.path.realpath(labels)
    found = []
    for folder in (before, after):
        files = [p for p in Path(folder).iterdir() if p.suffix.lower() in READABLE and p.is_file()]
        found.append({p.name: p for p in files})
    # a file of labels that is in one folder is no embedding in the other either
    labelled = {n for files in found for n, p in files.items() if os.path.realpath(p) == left_out}
    names = [sorted(files.keys() - labelled) for files in found]
    for folder, held in zip((before, after), names, strict=True):
        if len(held) != 2:
            raise ValueError(
                f"{os.fspath(folder)} must hold two files of embeddings, one of each side, found "
                f"{', '.join(held) or 'none'}: move others away, and pass a file of labels as "
                "labels (--labels)."
            )
    if names[0] != names[1]:
        raise ValueError(
            f"{os.fspath(before)} holds {' and '.join(names[0])}, {os.fspath(after)} holds "
            f"{' and '.join(names[1])}: give the files of both runs the same names."
        )
    one, two = names[0]
    return [(str(files[one]), str(files[two])) for files in found]
