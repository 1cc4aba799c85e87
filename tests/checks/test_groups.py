"""Groups of rows: what is accepted, and splits in which no group is on both sides."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mibsk._checks.groups import LARGEST, as_groups, as_groups_of_parts, fold_of_rows, hold_out

some_groups = st.lists(st.integers(0, 6), min_size=4, max_size=60).map(np.array)
seeds = st.integers(0, 2**16)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    "groups",
    [
        ["b", "b", "a", "c", "a"],
        np.array([7, 7, -1, 3, -1]),
        pd.Series(["b", "b", "a", "c", "a"], index=[9, 8, 7, 6, 5]),
        pd.Categorical(["b", "b", "a", "c", "a"], categories=list("xabc")),
        pd.Series(pd.Categorical(["b", "b", "a", "c", "a"])),
        np.array([7.0, 7.0, -1.0, 3.0, -1.0], np.float32),
        torch.tensor([7, 7, -1, 3, -1]),
        pd.array(["b", "b", "a", "c", "a"], dtype="string"),
    ],
    ids=lambda groups: type(groups).__name__,
)
def test_groups_are_numbered_in_their_order(groups):
    assert as_groups(groups, 5).tolist() == [0, 0, 1, 2, 1]


def test_no_groups_and_groups_of_one_row_are_the_same():
    assert as_groups(None, 5) is None
    assert as_groups([4, 1, 3, 2, 0], 5) is None


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a", "b"], "groups must have one label per row, got 2 for 4 rows"),
        ([["a"], ["b"], ["c"], ["a"]], r"one group per row, \(4,\), got shape \(4, 1\)"),
        ("a", r"one group per row, \(4,\), got shape \(\)"),
        (["a", None, "b", "a"], r"groups has 1 missing label"),
        ([1, np.nan, 2, 1], r"groups has 1 missing label"),
        ([0.5, 0.5, 1.5, 1.5], "groups must be classes, got real numbers"),
        (["a"] * 4, "groups must be several.*'a' has 4 of 4 rows. Pass groups of which none"),
        ([3] * 4, "3 has 4 of 4 rows"),
    ],
)
def test_bad_groups(groups, message):
    with pytest.raises(ValueError, match=message):
        as_groups(groups, 4)


def test_a_group_of_nearly_all_rows():
    assert as_groups([0] * 90 + [1] * 10, 100) is not None
    with pytest.raises(ValueError, match=f"0 has 91 of 100 rows.*more than {LARGEST:.0%}"):
        as_groups([0] * 91 + [1] * 9, 100)


def test_groups_of_two_parts():
    train, test = as_groups_of_parts(["a", "a", "b"], 3, ["c", "d", "c"], 3)
    assert (train.tolist(), test.tolist()) == ([0, 0, 1], [0, 1, 0])
    assert as_groups_of_parts(None, 3, None, 3) == (None, None)
    assert as_groups_of_parts([1, 2, 3], 3, [5, 4], 2) == (None, None)
    with pytest.raises(ValueError, match="belong together where held-out rows are passed"):
        as_groups_of_parts(["a", "a", "b"], 3, None, 3)
    with pytest.raises(ValueError, match=r"1 group\(s\), such as 'b', are in groups and in groups"):
        as_groups_of_parts(["a", "a", "b"], 3, ["c", "b", "c"], 3)


@given(some_groups, st.floats(0.05, 0.95), seeds)
def test_no_group_is_on_both_sides(groups, share, seed):
    n = len(groups)
    n_held = round(share * n)
    held, rest = hold_out(n, n_held, rng(seed), groups)
    assert sorted([*held, *rest]) == list(range(n))
    assert not set(groups[held]) & set(groups[rest])
    assert len(rest)
    again = hold_out(n, n_held, rng(seed), groups)
    assert all(map(np.array_equal, (held, rest), again))


@given(some_groups, st.floats(0.05, 0.95), seeds)
def test_about_the_wanted_rows_are_held_out(groups, share, seed):
    n, sizes = len(groups), np.unique(groups, return_counts=True)[1]
    n_held = round(share * n)
    held, _ = hold_out(n, n_held, rng(seed), groups)
    if sizes.max() <= min(n_held, n - n_held):  # no group is larger than either part
        assert abs(len(held) - n_held) <= sizes.max()
        assert 2 * len(held) >= n_held


@given(st.integers(2, 60), st.floats(0, 1), seeds)
def test_groups_of_one_row_are_held_out_like_rows(n, share, seed):
    n_held = min(int(share * n), n - 1)
    of_rows = hold_out(n, n_held, rng(seed))
    of_groups = hold_out(n, n_held, rng(seed), np.arange(n))
    assert all(np.array_equal(np.sort(a), b) for a, b in zip(of_rows, of_groups, strict=True))
    np.testing.assert_array_equal(of_rows[0], rng(seed).permutation(n)[:n_held])


@given(some_groups, seeds)
def test_rows_to_keep_are_not_held_out(groups, seed):
    keep = np.array([0, len(groups) - 1])
    held, _ = hold_out(len(groups), len(groups) // 2, rng(seed), groups, keep=keep)
    assert not set(groups[held]) & set(groups[keep])


def test_a_large_group_is_not_held_out_for_a_small_part():
    groups = np.repeat([0, 1, 2], [80, 10, 10])
    for seed in range(20):
        held, _ = hold_out(100, 10, rng(seed), groups)
        assert len(held) == 10
    only_large = np.repeat([0, 1, 2], [50, 30, 20])
    assert {len(hold_out(100, 5, rng(seed), only_large)[0]) for seed in range(20)} == {20}


@given(some_groups, st.integers(2, 8))
def test_folds_hold_whole_groups_and_are_even(groups, n_folds):
    folds = fold_of_rows(groups, n_folds)
    kinds, sizes = np.unique(groups, return_counts=True)
    assert all(len(set(folds[groups == kind])) == 1 for kind in kinds)
    rows = np.bincount(folds)
    assert len(rows) == min(n_folds, len(kinds))
    assert rows.min() > 0
    assert rows.max() - rows.min() <= sizes.max()
