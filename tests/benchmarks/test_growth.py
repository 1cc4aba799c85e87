"""Slopes of made-up times, and one small measurement."""

import pandas as pd
import pytest

from benchmarks import growth


def test_slopes_are_exponents():
    rows = [("a", "rows", n, 3.0 * n**2) for n in (10, 20, 40, 80)]
    rows += [("a", "columns", n, 5.0 * n) for n in (40, 10, 20)]
    table = pd.DataFrame(rows, columns=["task", "grows", "size", "seconds"])
    found = growth.slopes(table).set_index("grows with")
    assert found.loc["rows", "slope"] == pytest.approx(2)
    assert found.loc["columns", "slope"] == pytest.approx(1)
    assert found.loc["columns", "up to"] == 40


@pytest.mark.parametrize("name", growth.TASKS)
def test_each_task_runs(name):
    task = growth.TASKS[name]
    sizes = growth.Sizes(rows=300, columns=4, modalities=2, batch=64)
    run = task.make(sizes)
    run()
    assert growth._seconds(run) > 0
    assert set(task.grows) <= set(growth.Sizes._fields)
