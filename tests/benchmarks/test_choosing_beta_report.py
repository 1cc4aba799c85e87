"""Tables of the comparison, from made-up numbers with known results."""

import pandas as pd
import pytest

pytest.importorskip("cca_zoo")

from benchmarks.choosing_beta._report import (
    best_of_grid,
    closed_form_verdicts,
    interval,
    report,
    verdicts,
)


@pytest.fixture
def measured():
    rows = [
        # method, retrieval and leakage of seed 0, then of seed 1
        ("beta=0", (0.90, 0.50), (0.80, 0.60)),
        ("beta=1", (0.89, 0.30), (0.80, 0.40)),
        ("beta=3", (0.80, 0.10), (0.79, 0.20)),  # seed 0: beyond the budget
        ("auto", (0.91, 0.30), (0.70, 0.10)),  # seed 1: beyond the budget
        ("both", (0.92, 0.01), (0.84, 0.01)),
        ("VICReg", (0.90, 0.11), (0.80, 0.21)),
    ]
    return pd.DataFrame(
        {
            "set": "digits",
            "method": method,
            "seed": seed,
            "retrieval": retrieval,
            "leakage": leakage,
            "leakage_mlp": leakage,
            "kept": 1.0,
            "n_components": 64,
            "CKA": 0.5,
            "beta": 2.0,
            "seconds": 1.0,
        }
        for method, *by_seed in rows
        for seed, (retrieval, leakage) in enumerate(by_seed)
    )


def test_the_best_of_the_grid_leaks_least_within_the_budget(measured):
    best = best_of_grid(measured).sort_values("seed")
    assert best["leakage"].tolist() == [0.30, 0.20]


def test_verdicts(measured):
    (row,) = verdicts(measured).to_dict("records")
    assert row["seeds within the budget"] == "1 of 2"
    assert row["least of it"] == "0.875"
    assert row["leakage, auto less best of the grid"].startswith("-0.050 ± ")


def test_verdicts_of_the_closed_form(measured):
    (row,) = closed_form_verdicts(measured).to_dict("records")
    assert row["both: retrieval less beta=0"].startswith("0.030 ± ")
    assert row["both: leakage"] == "0.010 ± 0.000"
    assert row["leakage, both less VICReg"].startswith("-0.150 ± ")


def test_interval_is_students_t():
    assert interval(pd.Series([1.0, 2.0, 3.0])) == "2.000 ± 2.484"  # 4.303 / sqrt(3)
    assert interval(pd.Series([1.0])) == "1.000"
    assert interval(pd.Series([float("nan")])) == "—"


def test_the_report_has_every_method(measured):
    text = report(measured)
    assert all(f"| {method} " in text for method in measured["method"].unique())
