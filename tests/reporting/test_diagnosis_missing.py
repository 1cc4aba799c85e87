"""Rows that lack a table are left out of a diagnosis, and counted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mibsk.reporting import diagnose, diagnose_files

N = 80
GROUPS = np.repeat(np.arange(40), 2)
LABELS = pd.DataFrame({"kind": np.tile(["a", "b"], 40)})


@pytest.fixture
def tables():
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((N, 2))
    data = {
        name: hidden @ rng.standard_normal((2, p)) + 0.5 * rng.standard_normal((N, p))
        for name, p in {"clinic": 4, "genes": 6}.items()
    }
    data["clinic"][::9] = np.nan
    data["genes"][1::10] = np.nan
    return data


@pytest.fixture
def complete(tables):
    return ~np.any([np.isnan(X[:, 0]) for X in tables.values()], axis=0)


def test_the_diagnosis_is_that_of_the_complete_rows(tables, complete):
    with_holes = diagnose(
        tables, LABELS, match="kind", groups=GROUPS, n_permutations=9, random_state=1
    )
    without = diagnose(
        {name: X[complete] for name, X in tables.items()},
        LABELS[complete].reset_index(drop=True),
        match="kind",
        groups=GROUPS[complete],
        n_permutations=9,
        random_state=1,
    )
    first, *others = with_holes.warnings
    assert first.code == "missing rows"
    assert "17 of 80 rows lack a table and were left out (missing: clinic 9, genes 8)" in first.text
    assert replace(with_holes, warnings=tuple(others)).to_json() == without.to_json()
    assert "17 of 80 rows lack a table" in " ".join(with_holes.to_text().split())


def test_images_and_tables_in_files_may_lack_rows(tables, complete, tmp_path):
    pd.DataFrame(tables["clinic"]).to_csv(tmp_path / "clinic.csv")
    np.save(tmp_path / "image.npy", tables["genes"].reshape(N, 2, 3))
    found = diagnose_files([tmp_path / "clinic.csv", tmp_path / "image.npy"], n_permutations=0)
    assert found.n_rows == complete.sum()


def test_single_missing_values_are_an_error(tables):
    tables["genes"][5, 2] = np.nan
    with pytest.raises(ValueError, match="genes has NaN or infinite values in 1 of 80 rows"):
        diagnose(tables)


def test_too_few_rows_that_all_tables_have(tables):
    tables["clinic"][:72] = np.nan
    with pytest.raises(ValueError, match=r"7 of 80 rows are in all tables.*clinic 73, genes 8"):
        diagnose(tables)
