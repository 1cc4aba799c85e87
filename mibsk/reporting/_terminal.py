"""A report as a table for a terminal or a text file."""

from __future__ import annotations

import io
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..metrics.catalogue import GROUPS
from ._comparison import SideBySide
from ._comparison_views import print_comparison
from ._measurement import Line, Measurement
from ._sentences import (
    ARROWS,
    calibrated,
    has_chance,
    interval,
    number,
    p_value,
    summary,
    what_was_measured,
)
from .diagnosis import Diagnosis, print_diagnosis

WIDTH = 100
INDENT = (0, 0, 0, 2)


def print_report(report: Measurement | SideBySide | Diagnosis, stream: TextIO) -> None:
    """Write a report, two side by side, or a diagnosis.

    It has colours in a terminal and is plain text elsewhere. Characters that the encoding of the
    stream lacks become ``?``.
    """
    terminal = Console(file=stream)
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal.is_terminal,
        color_system="auto" if terminal.color_system else None,
        width=min(terminal.width, WIDTH) if terminal.is_terminal else WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )
    if isinstance(report, SideBySide):
        print_comparison(report, console)
    elif isinstance(report, Diagnosis):
        print_diagnosis(report, console)
    else:
        _print(report, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    lines = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    encoding = stream.encoding or "utf-8"
    stream.write(lines.encode(encoding, "replace").decode(encoding))


def _print(report: Measurement, console: Console) -> None:
    console.print(Text(what_was_measured(report), style="bold"))
    console.print()
    for sentence in summary(report):
        console.print(sentence)
    for group, title in GROUPS.items():
        lines = [line for line in report if line.group == group]
        if lines:
            console.print()
            console.print(Text(title, style="bold"))
            console.print(_table(lines, report))
    if report.notes:
        console.print()
        for note in report.notes:
            console.print(f"Note: {note}.")


def _table(lines: list[Line], report: Measurement) -> Table:
    """Return the table of one group; all groups have columns of the same widths.

    That of calibrated values is left out where there are none, since the names need the room.
    """
    ci = report.options["ci"]
    with_chance, tested = has_chance(lines), any(line.chance for line in lines)
    table = Table(box=None, padding=(0, 1), pad_edge=False, expand=True)
    table.add_column("", ratio=1)
    table.add_column("value", justify="right", width=8)
    if ci is not None:
        table.add_column(f"{100 * ci:g}% interval", justify="center", width=17)
    table.add_column("better", width=8)
    if has_chance(report):
        table.add_column("chance" if with_chance else "", justify="right", width=6)
    if any(line.chance for line in report):
        table.add_column("p" if tested else "", justify="right", width=7)
    if tested:
        table.add_column("calibrated", justify="right", width=10)
    for i, line in enumerate(lines):
        cells = [number(line.value)]
        if ci is not None:
            cells.append(interval(line))
        cells.append(f"{ARROWS[line.better]} {line.better}" if line.better else "")
        if line.chance:
            cells += [number(line.chance_level), p_value(line), calibrated(line)]
        elif line.by_chance is not None:
            cells.append(number(line.by_chance))
        name = f"{line.title}, {line.subject}" if line.subject else line.title
        table.add_row(*map(Text, [name, *cells]))
        if line.note:
            table.add_row(Padding(Text(line.note, style="yellow"), INDENT))
        if i == len(lines) - 1 or lines[i + 1].metric != line.metric:
            table.add_row(Padding(Text(line.meaning, style="dim"), INDENT))
    return table
