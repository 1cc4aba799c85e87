"""Leakage: agreement with the probe, the split, known cases."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from mibsk.metrics import leakage, probe_information


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = pd.DataFrame({"read": rng.integers(0, 5, 800), "hidden": rng.integers(0, 3, 800)})
    return 3 * np.eye(5)[labels["read"]] + rng.standard_normal((800, 5)), labels


def test_tells_what_is_there_from_what_is_not(data):
    found = leakage(*data)
    assert list(found) == ["read", "hidden"]
    assert 0.5 < found["read"] <= 1
    assert 0 <= found["hidden"] < 0.05


def test_is_the_fraction_of_the_probe_on_given_rows(data):
    Z, labels = data
    parts = {"Z_test": Z[600:], "labels_test": labels[600:]}
    table = probe_information(Z[:600], labels[:600], **parts)
    assert leakage(Z[:600], labels[:600], **parts) == table["fraction"].to_dict()


def test_splits_by_the_factor_with_the_most_classes(data):
    Z, labels = data
    train, test = train_test_split(
        np.arange(800), test_size=0.4, random_state=3, stratify=labels["read"]
    )
    expected = leakage(Z[train], labels.iloc[train], Z_test=Z[test], labels_test=labels.iloc[test])
    assert leakage(Z, labels, test_size=0.4, random_state=3) == expected


def test_one_factor_gives_a_float(data):
    Z, labels = data
    value = leakage(Z, labels["read"].to_numpy())
    assert type(value) is float
    assert value == pytest.approx(leakage(Z, {"read": labels["read"]})["read"], abs=1e-12)


def test_global_generator_is_untouched_and_the_seed_decides(data):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert leakage(*data, random_state=1) == leakage(*data, random_state=1)
    assert leakage(*data, random_state=1) != leakage(*data, random_state=2)
    leakage(*data, random_state=None)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_bad_arguments(data):
    Z, labels = data
    with pytest.raises(ValueError, match="belong together: pass both or neither"):
        leakage(Z, labels, Z_test=Z)
    rare = np.r_[np.zeros(799), 1].astype(int)
    with pytest.raises(ValueError, match=r"stratified by 'label'.*Merge rare classes"):
        leakage(Z, rare)
