"""The report of two files, and reports in files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from .._checks.devices import Matrix
from .._checks.row_names import check_row_names
from ..files.whole_files import check_can_write, replace_file
from ._comparison import SideBySide
from ._comparison_views import comparison_to_html
from ._label_files import check_factors, read_labels
from ._label_groups import read_groups
from ._matrix_files import locate, read_rows, source_of
from ._measure import Progress, measure
from ._measurement import Measurement
from ._page import to_html
from ._table_files import name_rows
from .diagnosis import Diagnosis

PathLike = str | os.PathLike[str]


def measure_files(
    x: PathLike,
    y: PathLike,
    labels: PathLike | None = None,
    *,
    names: tuple[str, str] | None = None,
    groups: PathLike | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Measurement:
    """Measure the embeddings in two files.

    Parameters
    ----------
    x, y : path
        Files that :func:`read_matrix` reads.
    labels : path, default=None
        A file that :func:`read_labels` reads.
    names : pair of str, default=None
        Names of the sides; None: those of their files.
    groups : str or path, default=None
        Column of the labels with the groups of the rows, or a file of labels with one column; see
        :func:`measure`.
    progress : callable, default=None
        Called as ``progress(n_done, n_all, title_of_the_next)``; 0 of 0 while files are read.
    **options
        Those of :func:`measure`.

    Returns
    -------
    Measurement

    Raises
    ------
    ValueError, TypeError, OSError
        If a file or an option cannot be used; the message names it.
    """
    files = read_files((x, y), labels, groups=groups, progress=progress, **options)
    check_row_names(files.rows, files=True)
    return measure_read(files, names=names, progress=progress, **options)


@dataclass(frozen=True)
class FilesRead:
    """The content of the files of one report."""

    paths: tuple[str, ...]
    labels: PathLike | None
    sides: tuple[Matrix, ...]
    table: pd.DataFrame | None
    groups: Any  # as `measure` takes them
    rows: dict[str, Any]  # path -> an object with the names of its rows


def read_files(
    files: Sequence[PathLike],
    labels: PathLike | None = None,
    *,
    groups: PathLike | None = None,
    flat: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> FilesRead:
    """Return the content of files of paired rows; the names of the rows are not yet compared.

    If `flat`, rows of more dimensions are flattened, and rows of NaN alone are missing ones.
    """
    tell = progress or (lambda done, n, title: None)
    paths = tuple(os.fspath(path) for path in files)
    matrices, rows = [], dict[str, Any]()
    for path in paths:
        tell(0, 0, f"reading {path}")
        matrix, index = read_rows(path, flat=flat)
        matrices.append(matrix)
        rows[path] = pd.DataFrame(index=index)
    X = matrices[0]
    for path, Y in zip(paths, matrices, strict=True):
        if len(X) != len(Y):
            raise ValueError(
                f"{paths[0]} has {len(X)} rows, {path} has {len(Y)}: row i of both must be "
                "partners, so pass as many rows in both."
            )
    table = None
    if labels is not None:
        tell(0, 0, f"reading {os.fspath(labels)}")
        table = name_rows(read_labels(labels), rows[paths[0]].index)
        rows[os.fspath(labels)] = table
        check_factors(
            table,
            len(X),
            os.fspath(labels),
            needed=[*options.get("shared", ()), *options.get("nuisances", ())],
            match=options.get("match") or (),
        )
    of_rows: Any = None
    if groups is not None:
        of_rows = read_groups(groups, table)
        if isinstance(of_rows, pd.Series):
            rows[os.fspath(groups)] = of_rows
            of_rows = of_rows.to_numpy()
    return FilesRead(paths, labels, tuple(matrices), table, of_rows, rows)


def measure_read(
    files: FilesRead,
    *,
    names: tuple[str, str] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Measurement:
    """Measure embeddings that are read, as :func:`measure_files` does."""
    options["groups"] = files.groups
    (X, Y), (first, second) = files.sides, names or names_of(files.paths)
    report = measure(X, Y, files.table, names=(first, second), progress=progress, **options)
    return replace(
        report,
        x=replace(report.x, source=source_of(files.paths[0])),
        y=replace(report.y, source=source_of(files.paths[1])),
        labels=None if files.labels is None else source_of(files.labels),
    )


def write_report(
    report: Measurement | SideBySide | Diagnosis,
    json: PathLike | None = None,
    html: PathLike | None = None,
) -> None:
    """Write a report to files; an existing file is replaced as a whole or not at all.

    Parameters
    ----------
    report : Measurement, SideBySide or Diagnosis
        What :func:`measure`, :func:`measure_files`, :func:`measure_folders`, :func:`diagnose` or
        :func:`diagnose_files` returned.
    json, html : path, default=None
        Where to write the numbers, and the page with pictures; None: nowhere.
    """
    made: list[tuple[PathLike, str]] = []
    if json is not None:
        made.append((json, report.to_json()))
    if html is not None:
        made.append((html, _page(report)))
    for path, text in made:
        # file names need not be valid Unicode
        replace_file(path, [text.encode(errors="backslashreplace")])


def check_outputs(outputs: Iterable[PathLike], inputs: Iterable[PathLike]) -> None:
    """Raise unless the outputs can be written, and none of them is an input or another output.

    Raises
    ------
    ValueError
        If one of them cannot; the message names it.
    """
    taken = {os.path.realpath(locate(os.fspath(path))[0]): "read" for path in inputs}
    for path in outputs:
        place = os.path.realpath(path)
        if place in taken:
            raise ValueError(f"{os.fspath(path)} is {taken[place]} too: write to another file.")
        taken[place] = "written"
        check_can_write(path)


def _page(report: Measurement | SideBySide | Diagnosis) -> str:
    if isinstance(report, Diagnosis):
        return report.to_html()
    return comparison_to_html(report) if isinstance(report, SideBySide) else to_html(report)


def names_of(paths: Sequence[str]) -> list[str]:
    """Return short, different names for files."""
    short = [_short(path) for path in paths]
    if len(set(short)) == len(short):
        return short
    return ["x", "y"] if len(short) == 2 else [f"table_{i}" for i in range(1, len(short) + 1)]


def _short(path: str) -> str:
    file, member = locate(path)
    return member or Path(file).stem
