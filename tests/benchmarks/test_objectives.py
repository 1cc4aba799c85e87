"""The tables of every objective."""

import numpy as np
import pandas as pd
import pytest

from benchmarks._intervals import interval
from benchmarks.objectives._measure import _left_out, methods
from benchmarks.objectives._report import differences, report
from mibsk.losses import MINIMALITY, SUFFICIENCY


def test_every_registered_term_is_measured():
    found = methods()
    named = {params.get("sufficiency") for params in found.values()} - {None}
    assert named == set(SUFFICIENCY)
    removed = {params.get("minimality") for params in found.values()} - {None}
    assert removed | {"gaussian"} == set(MINIMALITY)


def test_one_modality_is_found_by_the_mean_of_the_others():
    eye = np.eye(4)
    Z = {"a": eye[[0, 1, 2, 3]], "b": eye[[0, 1, 3, 2]], "c": eye}
    assert _left_out(Z, "b", None) == 0.5  # the others agree, and two rows of b are exchanged
    assert _left_out(Z, "a", None) == 0.5  # b and c tie two rows, which are no hits
    assert _left_out({**Z, "b": eye}, "a", None) == 1.0


@pytest.fixture
def measured():
    rows = []
    for seed in range(3):
        for method, lift in (("infonce", 0.0), ("symile", 0.1)):
            for bottleneck in ("canonical", "none"):
                values = dict.fromkeys(("left_out", "CKA", "gap", "leakage", "seconds"), 0.25)
                recall = 0.5 + 0.01 * seed + lift
                keys = {"set": "made", "method": method, "seed": seed, "bottleneck": bottleneck}
                rows.append({**keys, **values, "recall": recall})
    return pd.DataFrame(rows)


def test_differences_are_those_of_the_same_splits(measured):
    lines = differences(measured).splitlines()
    assert lines[2:] == ["| symile | +0.100 ± 0.000 |"]
    less = measured[measured["seed"] < 2].sample(frac=1, random_state=0)
    assert "| symile | +0.100 ± 0.000 |" in differences(less)


def test_the_interval_is_students(measured):
    assert interval(pd.Series([0.0, 0.2])) == "0.100 ± 1.271"  # 12.706 * 0.1414 / sqrt(2)
    assert interval(pd.Series([0.5])) == "0.500"
    assert "| infonce | 0.510 ± 0.025 |" in report(measured)
