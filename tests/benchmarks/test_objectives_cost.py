"""Cost of the terms: one small measurement, and tables of made-up numbers with known results."""

import math

import numpy as np
import pandas as pd
import pytest

from benchmarks import objectives_cost
from benchmarks.objectives_cost import all_terms, growth, make_step, measure, peak, ratios


@pytest.fixture
def table():
    rows = []
    for m in (2, 4):
        for n in (100, 1000):
            rows.append(("infonce", m, n, m**2 * n**2, m * n, 1.0, 1.0))
            rows.append(("ova", m, n, m * n, 3.0, m * n / (m * n) ** 2, math.nan))
    columns = ["term", "modalities", "batch", "ms", "MB", "time", "memory"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(1, "kind", np.where(table["term"] == "ova", "minimality", "sufficiency"))
    table.loc[(table["modalities"] == 4) & (table["batch"] == 1000), ["ms", "MB"]] = math.nan
    return table


def test_growth_is_the_exponent(table):
    found = growth(table).set_index("term")
    assert found.loc["infonce", "time, batch"] == pytest.approx(2)
    assert found.loc["infonce", "time, modalities"] == pytest.approx(2)  # at the batch of 100
    assert found.loc["infonce", "memory, modalities"] == pytest.approx(1)
    assert found.loc["ova", "time, batch"] == pytest.approx(1)
    assert found.loc["ova", "memory, batch"] == pytest.approx(0)


def test_ratios_have_a_row_for_each_term_and_a_column_for_each_size(table):
    found = ratios(table, "time")
    assert found["term"].tolist() == ["infonce", "ova"]
    assert found["4 x 100"].tolist() == [1.0, pytest.approx(1 / 400)]


@pytest.mark.parametrize("term", all_terms())
def test_a_step_of_every_term_runs(term):
    make_step(term, (3, 8))()


def test_the_reference_is_measured_first_and_compared_with_itself(monkeypatch):
    monkeypatch.setattr(objectives_cost, "SECONDS", 0.0)
    monkeypatch.setattr(
        objectives_cost, "peaks", lambda term, sizes: {size: {"peak": 10**8} for size in sizes}
    )
    terms = [name for name in all_terms() if name.split()[1] in ("infonce", "ova")]
    found = measure(terms, [(2, 8)], 1)
    assert found["term"].iloc[0] == "infonce"
    assert found["time"].iloc[0] == found["memory"].iloc[0] == 1.0


def test_a_step_beyond_the_limit_is_not_measured(monkeypatch):
    monkeypatch.setattr(objectives_cost, "LIMIT", 10**6)
    assert peak("sufficiency gram", (2, 2048)) == {"why": "needs more than 1 MB"}
