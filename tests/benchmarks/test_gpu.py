"""Measurements on a GPU, run on the CPU with small data."""

import json
import sys

import pandas as pd
import pytest

from benchmarks.gpu import __main__ as gpu


@pytest.mark.slow
@pytest.mark.parametrize("part", ["loss", "neighbours", "probes", "serving"])
def test_a_part_is_measured_and_recorded(part, tmp_path, monkeypatch):
    results = tmp_path / "gpu.json"
    argv = ["gpu", part, "--device", "cpu", "--results", str(results)]
    monkeypatch.setattr(sys, "argv", argv)
    gpu.main()
    found = json.loads(results.read_text())
    assert found["about"]["device"] == "CPU, small data"
    assert list(found["parts"]) == [part]
    assert "error" not in found["parts"][part]
    rows = pd.DataFrame(found["parts"][part]["rows"])
    assert len(rows) > 1
    numbers = rows.select_dtypes("number")
    assert (numbers >= 0).to_numpy()[numbers.notna()].all()
    if "holds" in rows:
        assert rows["holds"].all()


def test_a_part_that_cannot_be_measured_says_why(monkeypatch, tmp_path):
    def lacking(setup):
        """Return nothing."""
        raise gpu.LeftOut("no such package")

    def broken(setup):
        """Fail."""
        raise ZeroDivisionError("by zero")

    def whole(setup):
        """Return one row."""
        return [{"rows": 3, "holds": True}]

    monkeypatch.setattr(gpu, "PARTS", {"lacking": lacking, "broken": broken, "whole": whole})
    results = tmp_path / "gpu.json"
    argv = ["gpu", "lacking", "broken", "whole", "--device", "cpu", "--results", str(results)]
    monkeypatch.setattr(sys, "argv", argv)
    gpu.main()
    parts = json.loads(results.read_text())["parts"]
    assert parts["lacking"]["left out"] == "no such package"
    assert parts["broken"]["error"].startswith("ZeroDivisionError at ")
    assert parts["whole"]["rows"] == [{"rows": 3, "holds": True}]
