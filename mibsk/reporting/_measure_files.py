"""The report of two files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..files.whole_files import check_can_write
from ._files import locate, read_matrix, source_of
from ._labels import check_factors, read_labels
from ._measure import Progress, measure
from ._report import Report

PathLike = str | os.PathLike[str]


def measure_files(
    x: PathLike,
    y: PathLike,
    labels: PathLike | None = None,
    *,
    names: tuple[str, str] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Report:
    """Measure the embeddings in two files.

    Parameters
    ----------
    x, y : path
        What :func:`read_matrix` reads.
    labels : path, default=None
        What :func:`read_labels` reads.
    names : pair of str, default=None
        What to call the sides; None: like their files.
    progress : callable, default=None
        Called as ``progress(n_done, n_all, what comes next)``; 0 of 0 while files are read.
    **options
        Those of :func:`measure`.

    Returns
    -------
    Report

    Raises
    ------
    ValueError, TypeError, OSError
        If a file or an option cannot be used; the message names it.
    """
    tell = progress or (lambda done, n, title: None)
    paths = [os.fspath(path) for path in (x, y)]
    matrices = []
    for path in paths:
        tell(0, 0, f"reading {path}")
        matrices.append(read_matrix(path))
    X, Y = matrices
    if len(X) != len(Y):
        raise ValueError(
            f"{paths[0]} has {len(X)} rows, {paths[1]} has {len(Y)}: row i of both must be "
            "partners, so give as many rows in both"
        )
    table = None
    if labels is not None:
        tell(0, 0, f"reading {os.fspath(labels)}")
        table = read_labels(labels)
        check_factors(
            table,
            len(X),
            os.fspath(labels),
            needed=[*options.get("shared", ()), *options.get("nuisance", ())],
            match=options.get("match") or (),
        )
    report = measure(X, Y, table, names=names or _names(paths), progress=progress, **options)
    return replace(
        report,
        x=replace(report.x, source=source_of(paths[0])),
        y=replace(report.y, source=source_of(paths[1])),
        labels=None if labels is None else source_of(labels),
    )


def check_outputs(outputs: Iterable[PathLike], inputs: Iterable[PathLike]) -> None:
    """Raise unless files can be written there, and none of them is an input or another output.

    Raises
    ------
    ValueError
        If one cannot; the message names it.
    """
    taken = {os.path.realpath(locate(os.fspath(path))[0]): "read" for path in inputs}
    for path in outputs:
        place = os.path.realpath(path)
        if place in taken:
            raise ValueError(f"{os.fspath(path)} is {taken[place]} too: write to another file")
        taken[place] = "written"
        check_can_write(path)


def _names(paths: list[str]) -> tuple[str, str]:
    """Return short names that tell the files apart."""
    short = [_short(path) for path in paths]
    return (short[0], short[1]) if short[0] != short[1] else ("x", "y")


def _short(path: str) -> str:
    file, member = locate(path)
    return member or Path(file).stem
