"""The diagnosis of tables in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .._checks.row_names import check_row_names
from ._label_files import as_names
from ._matrix_files import source_of
from ._measure import Progress
from ._report_files import PathLike, names_of, read_files
from .diagnosis import Diagnosis, diagnose


def diagnose_files(
    files: Sequence[PathLike],
    labels: PathLike | None = None,
    *,
    names: Sequence[str] | None = None,
    groups: PathLike | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Diagnosis:
    """Say what paired tables in files share, before anything is trained.

    Parameters
    ----------
    files : sequence of path
        At least two files that :func:`read_matrix` reads; the rows of arrays may have more
        dimensions.
    labels : path, default=None
        A file that :func:`read_labels` reads.
    names : sequence of str, default=None
        Names of the tables; None: those of their files.
    groups : str or path, default=None
        Column of the labels with the groups of the rows, or a file of labels with one column.
    progress : callable, default=None
        Called as ``progress(n_done, n_all, title_of_the_next)``; 0 of 0 while files are read.
    **options
        Those of :func:`diagnose`.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError, TypeError, OSError
        If a file or an option cannot be used; the message names it.
    """
    match = as_names(options.pop("match", None))
    read = read_files(files, labels, groups=groups, flat=True, progress=progress, match=match)
    check_row_names(read.rows, files=True)
    names = names or names_of(read.paths)
    if len(names) != len(read.paths) or len(set(names)) < len(names):
        raise ValueError(
            f"names must be {len(read.paths)} different names, one for each table, got "
            f"{list(names)}."
        )
    found = diagnose(
        dict(zip(names, read.sides, strict=True)),
        read.table,
        match=match,
        groups=read.groups,
        progress=progress,
        **options,
    )
    tables = [
        replace(table, source=source_of(path))
        for table, path in zip(found.tables, read.paths, strict=True)
    ]
    return replace(
        found, tables=tuple(tables), labels=None if labels is None else source_of(labels)
    )
