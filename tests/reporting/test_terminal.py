import io
from dataclasses import replace

import numpy as np
import pytest

from mibsk.reporting import measure, print_report
from mibsk.reporting._sentences import number, summary


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(report, stream=None):
    stream = stream or io.StringIO()
    print_report(report, stream)
    return stream.getvalue()


def test_every_line_is_there_with_its_numbers(report):
    text = shown(report)
    for line in report:
        row = next(row for row in text.splitlines() if row.startswith(_name(line)))
        assert number(line.value) in row
        assert f"[{number(line.low)}, {number(line.high)}]" in row
        assert line.better in row
        if line.chance_level is not None:
            assert number(line.chance_level) in row
        if line.chance is not None and line.chance.calibrated is not None:
            assert row.endswith(f" {number(line.chance.calibrated)}")
    for sentence in summary(report):
        assert sentence.split()[0] in text


def _name(line):
    return f"{line.title}, {line.subject} " if line.subject else f"{line.title} "


def test_it_is_plain_and_fits_a_hundred_columns_where_there_is_no_terminal(report):
    text = shown(report)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert all(line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("width", [70, 100, 200])
def test_a_terminal_gets_colours_and_no_more_than_its_width(report, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = shown(report, Terminal())
    assert "\x1b[" in text


def test_an_encoding_that_lacks_arrows_gets_question_marks(report):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_report(report, stream)
    stream.flush()
    assert b"image ? audio" in stream.buffer.getvalue()


def test_reasons_and_notes_are_printed(report):
    odd = replace(report["cka"], value=None, low=None, high=None, note="all rows are equal")
    text = shown(replace(report, lines=(odd,), notes=("factor 'id' is left out",)))
    assert "all rows are equal" in text
    assert "Note: factor 'id' is left out." in text


def test_without_intervals_and_chance_there_are_no_such_columns(pairs):
    X, Y, _ = pairs
    text = shown(measure(X, Y, ci=None, n_permutations=0))
    assert "interval" not in text.split("Alignment")[1].split("Geometry")[0]
    assert " p" not in text.splitlines()[10]


def test_findings_are_said_in_words(report):
    found = " ".join(summary(report))
    assert "A row of the same digit comes first in" in found
    assert "Unbiased CKA is 0." in found
    assert "It is not chance: all 12 measures of alignment are above what 20 shufflings" in found
    assert "The centres of the two clouds are" in found
    assert "Of digit, which should be kept, image tells" in found


def test_information_that_differs_by_far_is_explained():
    def said(X, Y):
        report = measure(X, Y, ci=None, n_permutations=0)
        return [text for text in summary(report) if text.startswith("The two values of mutual")]

    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 100, 45))
    (wide,) = said(X, Y)
    assert "independent sides of as many rows and columns have" in wide
    assert "as the columns approach the rows" in wide
    Z = rng.standard_normal((100, 12))
    (close,) = said(Z, Z + 0.01 * rng.standard_normal(Z.shape))
    assert "InfoNCE cannot exceed the logarithm of half the rows, 3.912" in close
    assert "every linear relation" in close
    (turned,) = said(Z, Z[:, rng.permutation(12)] + 0.5 * rng.standard_normal(Z.shape))
    assert "sees inner products alone" in turned
    assert not said(Z, rng.standard_normal((100, 12))[:, :1])
    assert not said(Z[:, :1], Z[:, :1] + rng.standard_normal((100, 1)))


def test_too_few_permutations_to_decide(pairs):
    X, Y, _ = pairs
    few = measure(X, Y, ci=None, n_permutations=5)
    assert any("5 shufflings are too few to tell: take 19 or more" in s for s in summary(few))


def test_chance_in_words(report):
    def with_p(*p_values):
        line = report["cka"]
        lines = [
            replace(line, key=f"l{i}", title=f"T{i}", chance=replace(line.chance, p_value=p))
            for i, p in enumerate(p_values)
        ]
        return " ".join(summary(replace(report, lines=tuple(lines))))

    assert "It is not chance: all 2" in with_p(0.01, 0.05)
    assert "It may be chance: none of the 2" in with_p(0.2, 0.9)
    assert "T1: this may be chance" in with_p(0.01, 0.9)
