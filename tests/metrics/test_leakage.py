"""Leakage and kept: agreement with the probe, the split, intervals, known cases."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from mibsk.metrics import Bootstrap, Estimate, compare, kept, leakage, probe_information


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = pd.DataFrame({"read": rng.integers(0, 5, 800), "hidden": rng.integers(0, 3, 800)})
    return 3 * np.eye(5)[labels["read"]] + rng.standard_normal((800, 5)), labels


def test_finds_factors_that_are_there_and_no_others(data):
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
    parts = {"Z_test": Z[test], "labels_test": labels.iloc[test]}
    expected = leakage(Z[train], labels.iloc[train], random_state=3, **parts)
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
    with pytest.raises(ValueError, match="probe must be one of"):
        leakage(Z, labels, probe="forest")
    with pytest.raises(ValueError, match="test_size must be"):
        leakage(Z, labels, test_size=1.5)
    with pytest.raises(ValueError, match="random_state must be"):
        leakage(Z, labels, random_state=-1)
    with pytest.raises(ValueError, match=r"no split of 3 rows: .* Pass more rows"):
        leakage(Z[:3], [0.5, 1.5, 3.2], test_size=0.99)


def test_kept_is_the_same_measure(data):
    assert kept(*data) == leakage(*data)
    assert kept(*data, probe="mlp", ci=0.9) == leakage(*data, probe="mlp", ci=0.9)


def test_real_numbers_give_r2_and_do_not_stratify(data):
    Z, labels = data
    mixed = labels.assign(height=Z @ [1.0, 2, 0, 0, 1], noise=np.linspace(0.1, 1, 800))
    found = leakage(Z, mixed)
    assert found["height"] > 0.999
    assert found["noise"] < 0.02
    assert found["read"] == pytest.approx(leakage(Z, labels)["read"], abs=1e-4)
    train, test = train_test_split(np.arange(800), test_size=0.25, random_state=0)
    height = mixed["height"].to_numpy()
    alone = leakage(Z[train], height[train], Z_test=Z[test], labels_test=height[test])
    assert leakage(Z, height) == alone


def test_numbers_in_a_column_of_objects_give_r2(data):
    Z, _ = data
    value = Z[:, 0] + 0.1
    table = pd.DataFrame({"word": np.resize(["a", "b"], len(Z)), "value": value}).to_numpy()
    assert kept(Z, table[:, 1]) == kept(Z, value) > 0.9


def test_the_message_does_not_list_all_classes():
    Z = np.random.default_rng(0).standard_normal((60, 2))
    message = r"60 of 60 classes, such as 0, have one row only.*task='regression' if they are numb"
    with pytest.raises(ValueError, match=message) as caught:
        leakage(Z, np.arange(60))
    assert len(str(caught.value)) < 250
    with pytest.raises(
        ValueError, match=r"such as 'a', have one row only\. Merge rare classes, or"
    ):
        leakage(Z, ["a"] + ["b"] * 59)


@pytest.mark.parametrize("factor", ["classes", "numbers"])
def test_interval(data, factor):
    Z, labels = data
    y = labels["read"].to_numpy() if factor == "classes" else Z[:, 0] + np.sin(np.arange(800))
    found = leakage(Z, y, ci=Bootstrap(0.9, n_resamples=400))
    assert isinstance(found, Estimate)
    assert found.value == leakage(Z, y)
    assert 0 < found.low < found.value < found.high < 1
    # the bootstrap, spelled out, on the predictions of the same probe
    train, test = train_test_split(
        np.arange(800),
        test_size=0.25,
        random_state=np.random.RandomState(0),
        stratify=y if factor == "classes" else None,
    )
    rng = np.random.default_rng(1)
    again = []
    for _ in range(40):
        rows = rng.choice(test, len(test))
        again.append(leakage(Z[train], y[train], Z_test=Z[rows], labels_test=y[rows]))
    assert found.replicates.std() == pytest.approx(np.std(again), rel=0.4)


def test_intervals_of_several_factors_stay_in_range(data):
    found = leakage(*data, ci=0.95)
    assert list(found) == ["read", "hidden"]
    for estimate in found.values():
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert found["hidden"].low == 0


def test_models_are_compared_on_the_same_resampled_rows(data):
    Z, labels = data
    noisy = Z + np.random.default_rng(1).standard_normal(Z.shape)
    found = compare(leakage, (Z, labels), (noisy, labels))
    assert found["read"].low > 0
    assert found["read"].p_value < 0.05 < found["hidden"].p_value
    same = compare(leakage, (Z, labels), (2 * Z, labels))["read"]
    assert max(abs(same.low), abs(same.high)) < 1e-4
