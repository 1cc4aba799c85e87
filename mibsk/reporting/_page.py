"""A report as one page of HTML that loads no other file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import log
from typing import Any

from ..metrics.catalogue import GROUPS
from ._measurement import Line, Measurement
from ._pictures import draw
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
from ._templates import render

TILES = (
    "recall_at_1.x_to_y",
    "recall_at_1.y_to_x",
    "cka_unbiased",
    "mutual_knn",
    "modality_gap",
)


def to_html(report: Measurement) -> str:
    """Return a report as one page of HTML that loads no other file."""
    pictures, picture_note = draw(report)
    ci = report.options["ci"]
    return render(
        "page.html.j2",
        title=f"{report.x.name} and {report.y.name}: measured",
        report=report,
        what=what_was_measured(report),
        tiles=list(_tiles(report)),
        findings=summary(report),
        pictures=pictures,
        picture_note=picture_note,
        groups=list(_groups(report)),
        ci=None if ci is None else f"{100 * ci:g}%",
        tested=any(line.chance for line in report),
        with_chance=has_chance(report),
        how=list(_how(report)),
        definitions=list({line.metric: line for line in report}.values()),
    )


def _tiles(report: Measurement) -> Iterator[dict[str, str]]:
    for line in report:
        if line.key in TILES and line.value is not None:
            yield {
                "name": line.title,
                "subject": line.subject,
                "value": number(line.value),
                "interval": interval(line),
            }


def _groups(report: Measurement) -> Iterator[dict[str, Any]]:
    with_chance, tested = has_chance(report), any(line.chance for line in report)
    for group, heading in GROUPS.items():
        lines = [line for line in report if line.group == group]
        if not lines:
            continue
        title, question = heading.split(": ")
        yield {
            "title": title,
            "question": question[0].upper() + question[1:],
            "tested": any(line.chance for line in lines),
            "with_chance": has_chance(lines),
            "columns": 4 + (report.options["ci"] is not None) + with_chance + 2 * tested,
            "metrics": [
                {"rows": [_row(line) for line in some], "meaning": some[0].meaning}
                for _, found in groupby(lines, lambda line: line.metric)
                for some in [list(found)]
            ],
        }


def _row(line: Line) -> dict[str, Any]:
    return {
        "line": line,
        "bar": _bar(line),
        "value": number(line.value),
        "interval": interval(line),
        "chance": number(line.chance_level) if has_chance([line]) else "",
        "p": p_value(line),
        "calibrated": calibrated(line),
        "better": f"{ARROWS[line.better]} {line.better}" if line.better else "",
    }


def _bar(line: Line) -> dict[str, Any] | None:
    """Return the positions of the marks of a line, in per cent of its span."""
    if line.value is None or line.span is None:
        return None
    bar = {
        "low": f"{line.span[0]:.3g}",
        "high": f"{line.span[1]:.3g}" if line.span[1] < 1000 else f"{line.span[1]:,.0f}",
        "dot": _place(line, line.value),
        "range": None,
        "chance": None if line.chance_level is None else _place(line, line.chance_level),
    }
    if line.low is not None and line.high is not None:
        low, high = _place(line, line.low), _place(line, line.high)
        bar["range"] = (low, round(high - low, 2))
    return bar


def _place(line: Line, value: float) -> float:
    """Return the position of a value in the span of a line, 0 to 100."""
    low, high = line.span or (0.0, 1.0)
    if line.logarithmic:
        low, high, value = log(low), log(high), log(max(value, low))
    share = (value - low) / (high - low) if high > low else 0.0
    return round(100 * min(max(share, 0.0), 1.0), 2)


def _how(report: Measurement) -> Iterator[tuple[str, str]]:
    options = report.options
    yield (
        "similarity",
        {
            "cosine": "cosine: neighbours, retrieval and geometry see rows of length 1",
            "dot": "dot product: all metrics see the rows as they are",
        }[options["similarity"]],
    )
    yield "neighbours", f"k = {options['k']}"
    if options["match"]:
        agreed = " and ".join(options["match"])
        yield "retrieval", f"a row counts if it agrees with the query in {agreed}"
    if report.factors:
        yield "probe", options["probe"]
    if options["groups"]:
        yield "groups", f"{options['groups']:,}, which are held out and drawn as a whole"
    if fewer := sorted({line.n_rows for line in report if line.n_rows < report.x.shape[0]}):
        counts = ", ".join(f"{n:,}" for n in fewer)
        titles = dict.fromkeys(line.title for line in report if line.n_rows < report.x.shape[0])
        yield "fewer rows", f"{counts} random rows for {', '.join(titles)}"
    if options["ci"] is not None:
        found = {line.n_resamples for line in report if line.n_resamples}
        counts = " to ".join(str(n) for n in sorted({min(found), max(found)})) if found else "no"
        drawn = "groups" if options["groups"] else "rows"
        yield "intervals", f"{100 * options['ci']:g}%, from {counts} resamples of the {drawn}"
    if options["n_permutations"]:
        shuffled = {line.chance.n_rows for line in report if line.chance}
        parts = [f"{n:,}" for n in sorted(shuffled) if n < report.x.shape[0]]
        rows = f", of {' or '.join(parts)} rows where that takes long" * bool(parts)
        yield "chance", f"{options['n_permutations']} shufflings of the partners{rows}"
    yield "seed", str(options["random_state"])
