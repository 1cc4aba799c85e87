"""The character between the cells of a text file, found from its first lines."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

_CANDIDATES = (",", ";", "\t", "|")
_SAMPLE = 20  # lines
_MISSING = {"", "na", "n/a", "#n/a", "null", "none"}


def find_separator(path: Path, usual: str, *, text: bool = False) -> str:
    """Return the character between the cells of each line.

    It is the one that gives the first lines the same number of cells, two or more. If that is so
    for several, all cells below the first line must be numbers with only one of them; in a file of
    tab-separated text, the others may occur in the text.

    Parameters
    ----------
    path : Path
        A file of text.
    usual : str
        The character for this kind of file, returned if none gives lines of equal length.
    text : bool, default=False
        Whether cells can be words, rather than numbers with names in the first line.

    Raises
    ------
    ValueError
        If several characters are possible, or another than the usual one gives lines of unequal
        length.
    """
    fitting, unequal = {}, {}
    for candidate in _CANDIDATES if text else (*_CANDIDATES, " "):
        lines = first_lines(path, candidate)
        width = len(lines[0]) if lines else 0
        if candidate == usual and width == 1 and _all_numbers(lines, usual):
            return usual
        if width > 1 and all(len(line) == width for line in lines):
            fitting[candidate] = lines
        elif width > 1 and all(len(line) > 1 for line in lines):
            unequal[candidate] = lines
    if " " in fitting and not (len(fitting) == 1 and _all_numbers(fitting[" "], " ")):
        del fitting[" "]  # as numpy.savetxt writes it; else a part of names
    if len(fitting) > 1:
        numeric = [
            candidate for candidate, lines in fitting.items() if _all_numbers(lines, candidate)
        ]
        if len(numeric) == 1:
            return numeric[0]
        if usual == "\t" and "\t" in fitting:
            return usual
        if len({*fitting} - {"|"}) > 1:
            found = " and ".join(map(repr, fitting))
            raise ValueError(
                f"{path} has {found} in each of its first lines, and either can separate cells: "
                f"save it with {usual!r} between cells, and in double quotes where a cell contains "
                f"{usual!r}."
            )
        return usual if usual in fitting else next(iter(fitting))
    unequal.pop(" ", None)
    if unequal and not fitting and usual not in unequal:
        other, lines = next(iter(unequal.items()))
        raise ValueError(
            f"{path} seems to have {other!r} between its cells, but {len(lines[0])} of them in the "
            "first line and other numbers below: save it with as many cells in each line."
        )
    return next(iter(fitting), usual)


def first_lines(path: Path, separator: str, n: int = _SAMPLE) -> list[list[str]]:
    """Return the cells of the first lines that are not blank; none if one cell is too long."""
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
            return list(islice(filter(None, csv.reader(file, delimiter=separator)), n))
    except csv.Error:
        return []


def is_number(cell: str, separator: str) -> bool:
    """Whether a cell is a number, a list of numbers or a missing one.

    Where ``;`` separates cells, numbers can have a decimal comma.
    """
    cell = cell.strip()
    if cell.lower() in _MISSING or (cell.startswith("[") and cell.endswith("]")):
        return True
    try:
        float(cell.replace(",", ".") if separator == ";" else cell)
    except ValueError:
        return False
    return True


def _all_numbers(lines: list[list[str]], separator: str) -> bool:
    """Whether all cells below the first line are numbers, or of the only one."""
    return all(is_number(cell, separator) for line in lines[1:] or lines for cell in line)
