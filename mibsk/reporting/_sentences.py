"""Numbers and findings of a report as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import log

from ._measurement import Line, Measurement

NOTHING = "–"
CONVINCING = 0.05  # p-values above are reported as possibly chance
NEAR = 0.8  # share of its largest value that a bound must have to be near it
ARROWS = {"higher": "↑", "lower": "↓", None: ""}


def number(value: float | None) -> str:
    """Return a value with its significant digits.

    Examples
    --------
    >>> [number(value) for value in (0.77136, -0.0001, 12.0, 1234.5, 3e9, None)]
    ['0.771', '0.000', '12.0', '1,234', '3.0e+09', '–']
    """
    if value is None:
        return NOTHING
    if abs(value) >= 1e6:
        return f"{value:.1e}"
    digits = 3 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    return f"{value:,.{digits}f}".replace("-0.000", "0.000")


def interval(line: Line) -> str:
    """Return an interval in brackets, or an empty string."""
    if line.low is None or line.high is None:
        return ""
    return f"[{number(line.low)}, {number(line.high)}]"


def p_value(line: Line) -> str:
    """Return the p-value of a line, or an empty string."""
    if line.chance is None:
        return ""
    smallest = line.chance.p_value <= 1.5 / (line.chance.n_permutations + 1)
    return f"≤ {line.chance.p_value:.3f}" if smallest else f"{line.chance.p_value:.3f}"


def has_chance(lines: Iterable[Line]) -> bool:
    """Whether the chance level of one of the lines is known."""
    return any(line.chance is not None or line.by_chance is not None for line in lines)


def calibrated(line: Line) -> str:
    """Return the calibrated value of a line, or an empty string."""
    if line.chance is None or line.chance.calibrated is None:
        return ""
    return number(line.chance.calibrated)


def what_was_measured(report: Measurement) -> str:
    """Return one line on the rows that were measured."""
    x, y = report.x, report.y
    return (
        f"{x.shape[0]:,} pairs: {x.name} ({x.shape[1]:,} columns) and "
        f"{y.name} ({y.shape[1]:,} columns)"
    )


def summary(report: Measurement) -> list[str]:
    """Return the main findings, one sentence each."""
    return [sentence for part in _PARTS for sentence in part(report)]


def _retrieved(report: Measurement) -> Iterator[str]:
    there, back = (_line(report, f"recall_at_1.{way}") for way in ("x_to_y", "y_to_x"))
    if there is None or back is None:
        return
    match = report.options["match"]
    found = (
        f"A row of the same {' and '.join(match)} comes first"
        if match
        else "Partners are found first"
    )
    rank = _line(report, "median_rank.x_to_y")
    median = "" if rank is None else f"; the median rank is {_rank(rank)}"
    yield (
        f"{found} in {_percent(there)} of cases ({there.subject}) and {_percent(back)} "
        f"({back.subject}), among {there.n_rows:,} candidates{median}."
    )


def _alike(report: Measurement) -> Iterator[str]:
    cka = _line(report, "cka_unbiased")
    if cka is not None:
        yield (
            f"Unbiased CKA is {_short(cka)}, where 1 is the same geometry on both sides and 0 what "
            "chance gives."
        )


def _chance(report: Measurement) -> Iterator[str]:
    tested = {line.title: line.chance for line in report if line.chance is not None}
    if not tested:
        return
    n = report.options["n_permutations"]
    doubtful = [title for title, chance in tested.items() if chance.p_value > CONVINCING]
    if 1 / (n + 1) > CONVINCING:
        needed = round(1 / CONVINCING) - 1
        yield f"Whether it is chance, {n} shufflings are too few to tell: take {needed} or more."
    elif not doubtful:
        yield (
            f"It is not chance: all {len(tested)} measures of alignment are above what {n} "
            f"shufflings of the partners give (p ≤ {CONVINCING} each)."
        )
    elif len(doubtful) == len(tested):
        yield (
            f"It may be chance: none of the {len(tested)} measures of alignment is clearly above "
            f"what {n} shufflings of the partners give (p > {CONVINCING} each)."
        )
    else:
        yield (
            f"{', '.join(doubtful)}: this may be chance, since shuffled partners give as much "
            f"(p > {CONVINCING}); the other {len(tested) - len(doubtful)} measures of alignment "
            "are above that."
        )


def _apart(report: Measurement) -> Iterator[str]:
    gap = _line(report, "modality_gap")
    if gap is not None:
        scale = " (rows have length 1, so 2 is the most)" * (
            report.options["similarity"] == "cosine"
        )
        yield f"The centres of the two clouds are {_short(gap)} apart{scale}."


def _known(report: Measurement) -> Iterator[str]:
    for factor in report.factors:
        for kind, role in _ROLES.items():
            x, y = (_line(report, f"{kind}.{side}.{factor}") for side in "xy")
            if x is not None and y is not None:
                yield (
                    f"Of {factor}{role}, {report.x.name} tells {_percent(x)} and {report.y.name} "
                    f"{_percent(y)}."
                )


def _shared_information(report: Measurement) -> Iterator[str]:
    """Say why two values of the same information differ, where they do by far."""
    bound, gaussian = (
        _line(report, key) for key in ("mutual_information", "gaussian_mutual_information")
    )
    if bound is None or gaussian is None:
        return
    low, high = bound.value or 0.0, gaussian.value or 0.0
    if high - low < 1 or high < 2 * low:
        return
    ceiling = log(bound.n_rows // 2)
    if low > NEAR * ceiling:
        reasons = [f"InfoNCE cannot exceed the logarithm of half the rows, {number(ceiling)}"]
    else:
        reasons = [
            "InfoNCE is a lower bound that sees inner products alone, so it is small where "
            "partners are related but do not lie close to each other in one space"
        ]
    if gaussian.by_chance is not None and gaussian.by_chance > high / 4:
        reasons.append(
            f"independent sides of as many rows and columns have {number(gaussian.by_chance)} nats "
            "by the Gaussian value, which grows without limit as the columns approach the rows"
        )
    else:
        reasons.append("the Gaussian value counts every linear relation of the columns")
    yield (
        f"The two values of mutual information differ, {number(low)} nats (InfoNCE) and "
        f"{number(high)} (Gaussian): {'; '.join(reasons)}."
    )


_ROLES = {"kept": ", which should be kept", "leakage": ", a nuisance", "read": ""}
_PARTS = (_retrieved, _alike, _chance, _apart, _shared_information, _known)


def _line(report: Measurement, key: str) -> Line | None:
    for line in report:
        if line.key == key and line.value is not None:
            return line
    return None


def _percent(line: Line) -> str:
    rounded = f"{line.value:.0%}"  # 0% and 100% only if they are exact
    return rounded if rounded not in ("0%", "100%") else f"{line.value:.1%}".replace(".0%", "%")


def _rank(line: Line) -> str:
    return f"{line.value:,.1f}".removesuffix(".0")


def _short(line: Line) -> str:
    text = f"{line.value:.2f}"
    if line.low is not None:
        text += f" [{line.low:.2f}, {line.high:.2f}]"
    return text.replace("-0.00", "0.00")
