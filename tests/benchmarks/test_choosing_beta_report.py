"""Tables of the comparison, from made-up numbers with known results."""

import pandas as pd
import pytest

pytest.importorskip("cca_zoo")

from benchmarks.choosing_beta import __main__ as runner
from benchmarks.choosing_beta._report import (
    best_of_grid,
    canonical_verdicts,
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
        ("closed form", (0.92, 0.10), (0.84, 0.20)),
        ("VICReg", (0.90, 0.30), (0.80, 0.30)),
        ("DMCCA", (0.50, 0.70), (0.40, 0.80)),
    ]
    return pd.DataFrame(
        {
            "set": "digits",
            "method": method,
            "seed": seed,
            "retrieval": retrieval,
            "leakage": leakage,
            "leakage_mlp": leakage + 0.1,
            "kept": 1.0,
            "CKA": 0.5,
            "n_components": 20 + seed,
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


def test_seeds_that_auto_lacks_do_not_count(measured):
    (row,) = verdicts(measured.query("method != 'auto' or seed == 0")).to_dict("records")
    assert row["seeds within the budget"] == "1 of 1"


@pytest.mark.parametrize("leaked", ["leakage", "leakage_mlp"])
def test_the_closed_form_is_compared_seed_by_seed(measured, leaked):
    table = canonical_verdicts(measured, leaked).set_index("method")
    closed = table.loc["closed form"]
    assert closed["retrieval, less contrastive alone"] == "0.030 ± 0.127"  # 12.706 * 0.01
    assert closed[f"{leaked}, less contrastive alone"] == "-0.400 ± 0.000"
    assert closed[f"{leaked}, less VICReg"].startswith("-0.150 ± ")
    assert closed[f"{leaked}, less DCCA (six views: DMCCA)"] == "-0.600 ± 0.000"


def test_methods_that_were_not_run_have_no_verdict(measured):
    table = canonical_verdicts(measured, "leakage").set_index("method")
    assert table.loc["closed form", "leakage, less Barlow Twins"] == "—"
    assert set(table.loc["both"]) == {"digits", "—"}


def test_interval_is_students_t():
    assert interval(pd.Series([1.0, 2.0, 3.0])) == "2.000 ± 2.484"  # 4.303 / sqrt(3)
    assert interval(pd.Series([1.0])) == "1.000"
    assert interval(pd.Series([20.0, 21.0]), 1) == "20.5 ± 6.4"
    assert interval(pd.Series([float("nan")])) == "—"


def test_the_report_has_every_method(measured):
    text = report(measured)
    assert all(f"| {method} " in text for method in measured["method"].unique())


def test_only_rows_that_the_file_lacks_are_measured(measured, tmp_path, monkeypatch):
    calls = []

    def measure(name, method, seed):
        calls.append((name, method, seed))
        return {**measured.iloc[0].to_dict(), "set": name, "method": method, "seed": seed}

    monkeypatch.setattr(runner, "measure", measure)
    monkeypatch.setattr(runner, "methods", lambda name: [*measured["method"].unique(), "both"])
    path = tmp_path / "results.csv"
    measured.assign(set="room").to_csv(path, index=False)
    options = ["--out", str(path), "--sets", "room", "--seeds", "2", "--jobs", "1"]
    monkeypatch.setattr("sys.argv", ["choosing_beta", *options, "--methods", "auto", "CCA"])
    runner.main()  # CCA does not suit the set
    assert calls == []
    monkeypatch.setattr("sys.argv", ["choosing_beta", *options])
    runner.main()
    assert calls == [("room", "both", 0), ("room", "both", 1)]
    rows = pd.read_csv(path)
    assert len(rows) == len(measured) + 2
    assert not rows.duplicated(["set", "method", "seed"]).any()
