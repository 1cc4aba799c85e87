"""Two runs side by side, as a table for a terminal and as a page of HTML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..metrics.catalogue import GROUPS
from ._comparison import Difference, SideBySide
from ._sentences import ARROWS, NOTHING, number, what_was_measured
from ._templates import render

_VERDICTS = {True: "better", False: "worse", None: ""}


def print_comparison(report: SideBySide, console: Console) -> None:
    """Print a table for each group of metrics."""
    console.print(Text(_what(report), style="bold"))
    console.print()
    console.print(_summary(report))
    ci = report.after.options["ci"]
    for title, found in _groups(report):
        table = Table(box=None, padding=(0, 1), pad_edge=False, expand=True)
        table.add_column("", ratio=1)
        for name in report.names:
            table.add_column(Text(name), justify="right", width=9)
        table.add_column("difference", justify="right", width=10)
        if ci is not None:
            table.add_column(f"{100 * ci:g}% interval", justify="center", width=18)
        table.add_column("", width=6)
        for row in map(_row, found):
            cells = [row["title"], row["before"], row["after"], row["difference"]]
            cells += [row["interval"]] * (ci is not None) + [row["verdict"]]
            table.add_row(*map(Text, cells))
        console.print()
        console.print(Text(title, style="bold"))
        console.print(table)
    for name, run in zip(report.names, (report.before, report.after), strict=True):
        for note in run.notes:
            console.print(f"Note on {name}: {note}.")


def comparison_to_html(report: SideBySide) -> str:
    """Return two runs side by side as one page of HTML that loads no other file."""
    ci = report.after.options["ci"]
    return render(
        "comparison.html.j2",
        names=report.names,
        what=_what(report),
        summary=_summary(report),
        groups=[(title, [_row(found) for found in some]) for title, some in _groups(report)],
        ci=None if ci is None else f"{100 * ci:g}%",
        notes=[
            f"{name}: {note}"
            for name, run in zip(report.names, (report.before, report.after), strict=True)
            for note in run.notes
        ],
    )


def _what(report: SideBySide) -> str:
    before, after = report.names
    return f"{before} and {after}, {what_was_measured(report.after)}"


def _summary(report: SideBySide) -> str:
    if report.after.options["ci"] is None:
        return "Without intervals it is not known which differences are more than chance."
    verdicts = [found.improves for found in report]
    counts = [sum(v is verdict for v in verdicts) for verdict in (True, False, None)]
    return (
        f"After, {counts[0]} numbers are better and {counts[1]} worse by more than chance, of "
        f"{len(verdicts)}; the intervals are of paired differences, each on its own."
    )


def _groups(report: SideBySide) -> Iterator[tuple[str, list[Difference]]]:
    differences = list(report)
    for group, title in GROUPS.items():
        if found := [each for each in differences if each.after.group == group]:
            yield title, found


def _row(found: Difference) -> dict[str, Any]:
    line = found.after
    verdict = _VERDICTS[found.improves]
    return {
        "title": f"{line.title}, {line.subject}" if line.subject else line.title,
        "before": number(found.before.value),
        "after": number(line.value),
        "difference": _signed(found.value),
        "interval": "" if found.low is None else f"[{_signed(found.low)}, {_signed(found.high)}]",
        "better": f"{ARROWS[line.better]} {line.better}" if line.better else "",
        "verdict": verdict,
    }


def _signed(value: float | None) -> str:
    if value is None:
        return NOTHING
    text = number(value)
    return text if text.startswith("-") or not text.strip("0.") else f"+{text}"
