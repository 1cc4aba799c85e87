"""Ratios of made-up times, and the table of the docs."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.performance import __main__ as performance
from benchmarks.performance._ratio import Ratio, in_turns, of_rounds
from benchmarks.performance._table import table

ROOT = Path(__file__).parents[2]


def test_a_ratio_is_the_median_over_rounds():
    ratio = of_rounds("a", "b", [(1.0, 2.0), (3.0, 2.0), (4.0, 1.0)], unit="MB")
    assert ratio == Ratio("a", "b", 3.0, 2.0, 0.5, 1.5, 4.0, "MB")


def test_both_take_turns():
    calls = []
    in_turns("a", "b", lambda: calls.append("a"), lambda: calls.append("b"), rounds=2, repeat=2)
    assert "".join(calls) == "ab" + 2 * "aabb"


def test_the_rows_of_a_subject_replace_its_earlier_ones(tmp_path, monkeypatch):
    results = tmp_path / "performance.csv"
    ratios = {"first": [1.0, 2.0], "second": [3.0]}

    def measured(subject):
        for i, ratio in enumerate(ratios[subject]):
            yield Ratio(f"{subject} {i}", "rival", ratio, 1.0, ratio, ratio, ratio)

    monkeypatch.setattr(performance, "SUBJECTS", list(ratios))
    monkeypatch.setattr(performance, "measured", measured)
    for argv in (["second"], ["first"]):
        monkeypatch.setattr(sys, "argv", ["performance", *argv, "--results", str(results)])
        performance.main()
    assert pd.read_csv(results)["what"].tolist() == ["first 0", "first 1", "second 0"]
    ratios["first"] = [5.0]
    monkeypatch.setattr(sys, "argv", ["performance", "first", "--results", str(results)])
    performance.main()
    assert pd.read_csv(results)["ours"].tolist() == [5.0, 3.0]


def test_the_table_shows_units_and_spread():
    row = Ratio("call", "loop", 0.0123, 0.02, 0.5, 0.615, 0.7)
    rendered = table(pd.DataFrame([row], columns=Ratio._fields))
    assert rendered.splitlines()[-1] == "| call | loop | 12.3 ms | **0.61** (0.50 to 0.70) |"


@pytest.mark.parametrize("subject", sorted(performance.SUBJECTS))
def test_the_docs_have_the_table_of_each_subject(subject):
    results = pd.read_csv(ROOT / "benchmarks/results/performance.csv")
    rows = results[results["subject"] == subject]
    assert len(rows)
    assert table(rows) in (ROOT / "docs/performance.md").read_text()
