"""The page of bad inputs says what happens: every row of it is run."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from mibsk import exceptions

PAGE = (Path(__file__).parents[1] / "docs" / "bad-input.md").read_text()
OUTCOMES = {
    "ValueError": ValueError,
    "TypeError": TypeError,
    "FileNotFoundError": FileNotFoundError,
    "NotFittedError": NotFittedError,
} | {name: value for name, value in vars(exceptions).items() if isinstance(value, type)}


class Row(NamedTuple):
    """One row of a table on the page."""

    what: str
    code: str
    outcome: str
    message: str


def read_rows(page):
    """Return the rows of all tables on the page."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]
    return [Row(*row) for row in cells if row[0] != "what"]


ROWS = read_rows(PAGE)


@pytest.fixture(scope="module")
def setup(tmp_path_factory):
    """Return the namespace that the code at the top of the page leaves."""
    names = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("page")))
        yield names


def is_fine(result):
    """Tell whether a result holds finite numbers alone, or is True."""
    if isinstance(result, bool | np.bool_):
        return bool(result)
    if isinstance(result, Mapping):
        return bool(result) and all(map(is_fine, result.values()))
    if isinstance(result, tuple | list):
        return bool(result) and all(map(is_fine, result))
    return bool(np.isfinite(np.asarray(result, float)).all())


def run(row, setup):
    """Evaluate the code of a row, with warnings as errors; fail unless the page says what comes."""
    if row.outcome == "works":
        assert is_fine(eval(row.code, dict(setup)))
        return
    outcome = OUTCOMES[row.outcome]
    message = ".*".join(re.escape(part.strip()) for part in row.message.split("…"))
    message = f"(?s){message}"
    if issubclass(outcome, Warning):
        with pytest.warns(outcome, match=message):
            assert isinstance(eval(row.code, dict(setup)), BaseEstimator)
    else:
        with pytest.raises(outcome, match=message):
            eval(row.code, dict(setup))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_the_page_is_right(row, setup):
    run(row, setup)


def test_the_page_is_read_whole():
    assert len(ROWS) == len({row.what for row in ROWS}) >= 120
    assert len(re.findall(r"^\|", PAGE, re.MULTILINE)) == len(ROWS) + 2 * PAGE.count("| what |")
    assert all(row.message for row in ROWS if row.outcome != "works")
    assert {row.outcome for row in ROWS} <= {"works", *OUTCOMES}


@pytest.mark.parametrize(
    "wrong",
    [
        Row("raises nothing", "fit(data)", "ValueError", "same number of rows"),
        Row("another message", "fit({})", "ValueError", "same number of rows"),
        Row("words in another order", "fit({})", "ValueError", "needed … at least two modalities"),
        Row("another type", "fit({})", "TypeError", "at least two modalities"),
        Row("does not work", "fit({})", "works", ""),
        Row("warns nothing", "fit(data)", "ConvergenceWarning", "rows"),
        Row("not finite", "np.array([1.0, np.nan])", "works", ""),
        Row("not equal", "np.allclose(A, 2 * A)", "works", ""),
        Row("nothing", "{}", "works", ""),
    ],
    ids=lambda row: row.what,
)
def test_a_wrong_row_fails(wrong, setup, monkeypatch):
    monkeypatch.setitem(OUTCOMES, "ConvergenceWarning", UserWarning)
    with pytest.raises((AssertionError, ValueError, TypeError, pytest.fail.Exception)):
        run(wrong, setup)


def test_a_row_that_warns_fails(setup):
    row = Row("warns", "__import__('warnings').warn('!') or 1.0", "works", "")
    with pytest.raises(UserWarning, match="!"):
        run(row, setup)
