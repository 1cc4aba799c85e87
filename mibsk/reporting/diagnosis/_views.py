"""A diagnosis as text for a terminal or a file, and as a page of HTML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .._sentences import number
from .._templates import render
from ._pictures import draw
from ._sentences import Grid, advice, headline, p_value, sections, signed, with_interval

if TYPE_CHECKING:
    from ._diagnosis import Diagnosis


def print_diagnosis(found: Diagnosis, console: Console) -> None:
    """Print a diagnosis."""
    console.print(Text(headline(found), style="bold"))
    console.print()
    console.print(advice(found))
    for section in sections(found):
        console.print()
        console.print(Text(section.title, style="bold"))
        listed = Table.grid(padding=(0, 1))
        for sentence in section.sentences:
            listed.add_row("-", Text(sentence))
        console.print(listed)
        for grid in section.grids:
            console.print(_table(grid))


def to_html(found: Diagnosis) -> str:
    """Return a diagnosis as one page of HTML that loads no other file."""
    pictures, picture_note = draw(found)
    names = " and ".join(table.name for table in found.tables)
    return render(
        "diagnosis.html.j2",
        title=f"{names}: diagnosed",
        names=names,
        what=headline(found),
        advice=advice(found),
        tiles=list(_tiles(found)),
        pictures=pictures,
        picture_note=picture_note,
        sections=sections(found),
        tables=found.tables,
        labels=found.labels,
        how=list(_how(found)),
    )


def _table(grid: Grid) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False, show_edge=False)
    for i, name in enumerate(grid.header):
        table.add_column(Text(name, style="dim"), justify="left" if not i else "right")
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table


def _tiles(found: Diagnosis) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and a remark of the main numbers."""
    shared, last = found.shared, found.learning.points[-1]
    n = len(shared.directions)
    most = with_interval(shared.directions[0].correlation) if n else ""
    yield "directions that hold up", str(shared.n_directions), f"strongest {most}" if n else ""
    low, high = number(shared.information.low), number(shared.information.high)
    yield "Gaussian information (nats)", number(shared.information.value), f"[{low}, {high}]"
    yield (
        "recall@1, closed form",
        number(last.recall.value),
        f"[{number(last.recall.low)}, {number(last.recall.high)}]",
    )
    gain = found.nonlinear.difference
    yield "a kernel adds", f"{gain.value:+.3f}", signed(gain).partition(" ")[2]
    if shared.test.p_value is not None:
        p = p_value(shared.test).removeprefix("p ").removeprefix("= ")
        yield "p-value", p, f"{shared.test.n_permutations} permutations"


def _how(found: Diagnosis) -> Iterator[tuple[str, str]]:
    options = found.options
    yield "intervals", f"{100 * options['ci']:g}%"
    if found.n_groups is not None:
        yield "groups", f"{found.n_groups:,}, which are held out and permuted as a whole"
    if options["match"]:
        agreed = " and ".join(options["match"])
        yield "retrieval", f"a row counts if it agrees with the query in {agreed}"
    yield (
        "held-out correlations",
        "of canonical directions with a ridge (CanonicalBottleneck), cross-fitted over five folds",
    )
    yield (
        "rows needed",
        "for a test of all columns to see this direction, if it is the only one, with a power of "
        "80%",
    )
    yield (
        "information",
        "of Gaussian tables, without the bias of few rows; with fewer than two rows per column "
        "that of the directions that hold up",
    )
    yield (
        "recall@1",
        "of each fold with the closed form of the others, mean over both ways and all pairs",
    )
    yield (
        "kernel",
        "Gaussian, with the median squared distance as its width and at most 256 rows as landmarks "
        "(Nyström), beside the columns themselves",
    )
    yield "seed", str(options["random_state"])
