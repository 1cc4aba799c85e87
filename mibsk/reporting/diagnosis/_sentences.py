"""A diagnosis in words: sections of sentences and small tables, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from .._sentences import number
from ._diagnosis import CONVINCING, FLAT, MATTERS, Diagnosis
from ._numbers import Number
from ._shared import Direction, PairingTest, Shared

SHOWN = 6  # directions
FEW_PER_COLUMN = 2
RESOLUTION = 0.02  # of recall@1


@dataclass(frozen=True)
class Grid:
    """A small table."""

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class Section:
    """A question, with sentences and tables that answer it."""

    title: str
    sentences: list[str]
    grids: list[Grid] = field(default_factory=list)


def sections(found: Diagnosis) -> list[Section]:
    """Return the diagnosis in words."""
    parts = [
        Section("The tables", list(_tables(found))),
        Section("Do they share anything?", list(_sharing(found)), list(_shared_grids(found))),
        Section("Do the rows suffice?", list(_rows(found)), [_curve(found)]),
        Section("What is IBAligner likely to add?", list(_network(found))),
        Section("Warnings", [f"{_capital(warned.text)}." for warned in found.warnings]),
    ]
    return [part for part in parts if part.sentences]


def headline(found: Diagnosis) -> str:
    """Return one line on the tables."""
    tables = [f"{t.name} ({_count(t.shape[1:])} columns)" for t in found.tables]
    return f"{found.tables[0].shape[0]:,} rows: {_and(tables)}"


def advice(found: Diagnosis) -> str:
    """Return what to do, in one sentence."""
    rows = " More rows would help." if found.rows == "more help" else ""
    if found.sharing == "not shown":
        return (
            "Nothing shared was found: check the pairing before training anything, and do not "
            "expect a network to find what neither check does."
        )
    return {
        "likely": "Train IBAligner(): it is likely to find more than the closed form.",
        "enough": "CanonicalBottleneck() is likely enough: a network is not likely to add much.",
        "not shown": "Begin with CanonicalBottleneck(): that a network adds to it is not shown.",
    }[found.network] + rows


def with_interval(found: Number) -> str:
    """Return a value with its interval in brackets."""
    return f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"


def signed(found: Number) -> str:
    """Return a difference with its interval in brackets."""
    value, low, high = (f"{each:+.3f}" for each in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]"


def p_value(test: PairingTest) -> str:
    """Return the p-value of a test, which cannot be smaller than one over the permutations."""
    if test.p_value is None:
        return "not tested"
    smallest = test.p_value <= 1.5 / (test.n_permutations + 1)
    return f"p {'≤' if smallest else '='} {test.p_value:.3f}"


def _tables(found: Diagnosis) -> Iterator[str]:
    n = found.tables[0].shape[0]
    if found.n_rows < n:
        yield f"{found.n_rows:,} of the {n:,} rows were used, drawn at random."
    repeated = [f"{t.n_duplicates:,} of {t.name}" for t in found.tables if t.n_duplicates]
    constant = [f"{t.n_constant:,} of {t.name}" for t in found.tables if t.n_constant]
    facts = [
        f"rows that equal another one: {_and(repeated) or 'none'}",
        f"columns with one value: {_and(constant) or 'none'}",
    ]
    yield f"{_capital('; '.join(facts))}."
    if found.n_groups is not None:
        worth = found.shared.n_independent
        yield (
            f"The rows are in {found.n_groups:,} groups, and are worth {worth:,.0f} independent "
            f"rows for the strongest direction (between {found.n_groups:,}, if rows of a group "
            f"tell the same, and {found.n_rows:,})."
        )
    width = sum(t.n_axes for t in found.tables)
    if found.n_rows < FEW_PER_COLUMN * width:
        yield (
            f"There are {found.n_rows / width:.1f} rows per column: correlations of the rows that "
            "determine a direction are far too large, and only those of held-out rows count."
        )


def _sharing(found: Diagnosis) -> Iterator[str]:
    shared, test = found.shared, found.shared.test
    if test.p_value is None:
        few = test.n_groups is not None and found.options["n_permutations"]
        why = f": {test.n_groups} groups are too few to permute" * bool(few)
        yield f"Whether it is chance was not tested{why}."
    else:
        whole = f"{test.n_groups} whole groups" if test.n_groups else f"{test.n_rows:,} rows"
        yield {
            True: "Yes, something linear, and it is not chance",
            False: "Nothing linear beyond chance",
        }[test.p_value <= CONVINCING] + (
            f" ({p_value(test)}, {test.n_permutations} permutations of {whole})."
        )
    yield _holding(found)
    amount = "of all columns" if shared.of_columns else "in the directions that hold up"
    yield (
        f"Information {amount}, if they are Gaussian: {with_interval(shared.information)} nats"
        + ("." if shared.of_columns else ", a lower bound, since there are few rows per column.")
    )
    if found.nonlinear.test is not None and found.nonlinear.test.p_value is not None:
        kernel = found.nonlinear.test
        yield (
            f"In features of a kernel, {p_value(kernel)}: "
            + (
                "they share something that is not linear."
                if found.sharing == "nonlinear"
                else "a relation that is not linear is not found either."
            )
        )
    if found.sharing == "weak":
        yield (
            "The test and the held-out correlations do not agree: what is shared, if anything, is "
            "too weak for these rows."
        )
    if found.subsets:
        lonely = [_and(list(s.names)) for s in found.subsets if not _is_shared(s)]
        if lonely:
            n, level = len(found.subsets), 1 - CONVINCING
            yield (
                f"Of {n} pairs, {len(lonely)} share nothing linear beyond chance ({level:.0%} "
                f"each): {'; '.join(lonely)}."
            )


def _is_shared(shared: Shared) -> bool:
    p = shared.test.p_value
    return shared.n_directions > 0 and (p is None or p <= CONVINCING)


def _holding(found: Diagnosis) -> str:
    kept, listed = found.shared.n_directions, found.shared.directions
    if not listed:
        return "No direction could be measured on held-out rows."
    what = "mean correlation" if len(found.tables) > 2 else "correlation"
    first = f"the strongest has a held-out {what} of {with_interval(listed[0].correlation)}"
    if not kept:
        return f"No direction holds up on held-out rows: {first}."
    holds = "One direction holds" if kept == 1 else f"{kept} directions hold"
    last = ""
    if 1 < kept <= len(listed):
        last = f", the weakest of them {with_interval(listed[kept - 1].correlation)}"
    return f"{holds} up on held-out rows: {first}{last}."


def _shared_grids(found: Diagnosis) -> Iterator[Grid]:
    yield _direction_grid(found.shared.directions)
    if found.subsets:
        rows = []
        for shared in found.subsets:
            first = with_interval(shared.directions[0].correlation) if shared.directions else "–"
            rows.append(
                (
                    _and(list(shared.names)),
                    p_value(shared.test),
                    str(shared.n_directions),
                    first,
                    with_interval(shared.information),
                )
            )
        header = ("pair", "test", "directions", "strongest, held out", "information (nats)")
        yield Grid(header, rows)


def _direction_grid(directions: tuple[Direction, ...]) -> Grid:
    rows = []
    for i, each in enumerate(islice(directions, SHOWN), 1):
        needed = "–"
        if each.rows_needed is not None:
            needed = _rows_range(each.rows_needed)
        chance = "–" if each.by_chance is None else number(each.by_chance)
        rows.append((str(i), with_interval(each.correlation), chance, number(each.train), needed))
    header = ("direction", "held-out correlation", "by chance", "in training", "rows needed")
    return Grid(header, rows)


def _rows(found: Diagnosis) -> Iterator[str]:
    gain, points = found.learning.per_doubling, found.learning.points
    last = points[-1]
    yield (
        f"With {last.n_train:,} rows the closed form finds the partner of a held-out row first in "
        f"{with_interval(last.recall)} of cases, among {found.learning.n_candidates:,} candidates "
        f"(by chance {number(found.learning.chance)})."
    )
    if gain is None:
        yield "There are too few rows to see what more of them would add."
    elif found.rows == "more help":
        yield f"More rows would help: twice as many have added {signed(gain)}."
    elif found.rows == "enough":
        yield (
            f"More rows would add little to the closed form: twice as many have added "
            f"{signed(gain)}, less than {FLAT}."
        )
    else:
        yield f"Whether more rows would help is not known: twice as many have added {signed(gain)}."
    kept = found.shared.directions[: found.shared.n_directions]
    needed = [each.rows_needed for each in kept if each.rows_needed is not None]
    if needed:
        weakest = max(needed, key=lambda each: each.value)
        unit = "rows in such groups" if found.n_groups else "rows"
        yield (
            f"To see the weakest of the listed directions among all columns, if it were the only "
            f"one, {_rows_range(weakest)} {unit} are needed (80% power); here are "
            f"{found.n_rows:,}."
        )
    smallest = found.shared.visible
    if smallest is not None:
        yield (
            f"A single direction with a correlation below {number(smallest)} would mostly go "
            "unseen in these rows."
        )


def _rows_range(needed: Number) -> str:
    return f"{needed.value:,.0f} [{needed.low:,.0f}, {needed.high:,.0f}]"


def _curve(found: Diagnosis) -> Grid:
    rows = [(f"{p.n_train:,}", with_interval(p.recall)) for p in found.learning.points]
    return Grid(("training rows", "recall@1, held out"), rows)


def _network(found: Diagnosis) -> Iterator[str]:
    gain = found.nonlinear.difference
    before = found.learning.points[-1].recall.value
    yield (
        f"A cheap check, the closed form with features of a kernel, finds "
        f"{with_interval(found.nonlinear.recall)} of the partners instead of {number(before)}: "
        f"{signed(gain)}."
    )
    if found.network == "likely":
        yield (
            "A network is likely to add: features that are not linear in the columns find more "
            "partners."
        )
    elif found.network == "enough":
        yield (
            f"The linear closed form is likely enough: features that are not linear in the columns "
            f"add less than {MATTERS}."
        )
    elif found.sharing == "not shown":
        yield "That a network would add is not shown: neither check finds what it could learn."
    else:
        yield (
            "That a network would add is not shown: the interval has 0 in it, and gains that would "
            "matter, too."
            if gain.low <= 0 <= gain.high
            else "That a network would add is not shown: the features make it worse."
        )
    if before > 1 - RESOLUTION:
        yield "Nearly all partners are found already, so that recall@1 cannot show more."


def _count(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{each:,}" for each in shape)


def _and(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + " and " * (len(parts) > 1) + "".join(parts[-1:])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
