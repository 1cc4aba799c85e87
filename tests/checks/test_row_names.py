"""Names of rows: which indexes agree, contradict the pairing by position, or differ."""

import re
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk._checks.row_names import check_mask, check_row_names, row_index
from mibsk.exceptions import RowNamesWarning

N = 12
INDEXES = {
    "strings": pd.Index([f"s{i}" for i in range(N)]),
    "objects": pd.Index([f"s{i}" for i in range(N)], dtype=object),
    "integers": pd.Index(np.random.default_rng(0).permutation(N) + 100),
    "a range of later rows": pd.RangeIndex(N, 2 * N),
    "floats": pd.Index(np.arange(N) / 2),
    "dates": pd.date_range("2020-01-01", periods=N),
    "dates of a zone": pd.date_range("2020-01-01", periods=N, tz="Europe/Paris"),
    "categories": pd.CategoricalIndex([f"s{i}" for i in range(N)]),
    "two levels": pd.MultiIndex.from_product([list("abc"), range(N // 3)]),
    "repeated": pd.Index(list("aabbccddeeff")),
    "with a missing one": pd.Index([None, *(f"s{i}" for i in range(1, N))]),
}
orders = st.permutations(range(N)).filter(lambda order: order != sorted(order))


def frame(index):
    return pd.DataFrame({"value": np.arange(len(index))}, index=index)


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
@settings(deadline=None, max_examples=20)
@given(order=orders)
def test_the_same_names_in_another_order_are_an_error(index, order):
    X, Y = frame(index), frame(index[list(order)])
    if Y.index.equals(index):  # repeated names that changed places
        check_row_names({"X": X, "Y": Y})
        return
    with pytest.raises(ValueError, match="Y has the row names of X in another order") as caught:
        check_row_names({"X": X, "Y": Y})
    message = str(caught.value)
    row = int(re.search(r"row (\d+) is", message)[1])
    assert list(X.index[:row]) == list(Y.index[:row]) or index.hasnans
    assert "Y.reset_index(drop=True)" in message
    if index.is_unique:
        aligned = eval(re.search(r"pass (.*?);", message)[1], {"X": X, "Y": Y})
        assert aligned.index.equals(X.index)
        check_row_names({"X": X, "Y": aligned})
    else:
        assert "order both by a key whose values differ" in message
    check_row_names({"X": X, "Y": Y.reset_index(drop=True)})


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_equal_indexes_agree(index):
    check_row_names({"X": frame(index), "Y": frame(index.copy()), "y": frame(index)["value"]})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (INDEXES["strings"], INDEXES["objects"]),
        (INDEXES["strings"], INDEXES["categories"]),
        (INDEXES["strings"], INDEXES["strings"].astype("string")),
        (INDEXES["integers"], INDEXES["integers"].astype(float)),
        (INDEXES["integers"], INDEXES["integers"].astype(np.int32)),
        (INDEXES["integers"], INDEXES["integers"].astype("Int64")),
        (INDEXES["dates"], INDEXES["dates"].as_unit("s")),
    ],
)
@pytest.mark.parametrize("swap", [False, True])
def test_equal_names_of_two_types_agree(first, second, swap):
    check_row_names(dict(zip("XY", map(frame, (first, second)[:: -1 if swap else 1]), strict=True)))
    with pytest.raises(ValueError, match="in another order"):
        check_row_names({"X": frame(first), "Y": frame(second[::-1])})


NAMELESS = {
    "a default index": pd.DataFrame(index=range(N)),
    "an array": np.arange(N),
    "a list": list(range(N)),
    "polars": pl.DataFrame({"index": range(N)}),
    "an index as values": pd.Index(list("lkjihgfedcba")),
    "a tuple": tuple("abcdefghijkl"),
    "nothing": None,
}


@pytest.mark.parametrize("X", NAMELESS.values(), ids=NAMELESS)
@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_rows_without_names_agree_with_all(X, index):
    for given_ in ({"X": X, "Y": frame(index)}, {"X": frame(index), "Y": X}):
        check_row_names(given_)


def test_another_order_of_a_default_index_agrees_with_one():
    rows = pd.DataFrame(index=range(N))
    check_row_names({"X": rows, "Y": rows.sample(frac=1, random_state=0)})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (INDEXES["strings"], INDEXES["strings"].str.upper()),
        (INDEXES["strings"], INDEXES["dates"]),
        (INDEXES["dates"], INDEXES["dates of a zone"]),
        (INDEXES["strings"], INDEXES["two levels"]),
        (INDEXES["integers"], INDEXES["integers"] + 1000),
        (INDEXES["strings"], INDEXES["strings"][:-1].append(pd.Index(["typo"]))),
        # integers that are common to both may be numbers of rows that remain
        (pd.Index([0, 1, 3, 4]), pd.Index([0, 2, 3, 4])),
        (pd.Index([0, 1, 3, 4]), pd.Index([0, 3, 4, 5])),
    ],
)
def test_names_that_differ_are_a_warning(first, second):
    with pytest.warns(RowNamesWarning, match="the row names of X and Y differ: row") as caught:
        check_row_names({"X": frame(first), "Y": frame(second)})
    assert len(caught) == 1
    assert "Y.reset_index(drop=True)" in str(caught[0].message)


@pytest.mark.parametrize("names", [list("abc"), [0.0, 0.5, 1.0], [("a", 1), ("b", 0), ("a", 2)]])
def test_numbers_of_selected_rows_say_nothing_about_names(names):
    """A fold of a table with a default index has such an index."""
    check_row_names({"X": frame(pd.Index([0, 1, 5])), "Y": frame(pd.Index(names))})


UNIQUE = {k: v for k, v in INDEXES.items() if v.is_unique and k not in ("integers",)}


@pytest.mark.parametrize("index", UNIQUE.values(), ids=UNIQUE)
@settings(deadline=None, max_examples=20)
@given(order=st.permutations(range(N)), n=st.integers(N // 2, N - 1))
def test_common_names_that_keep_their_order_are_a_warning(index, order, n):
    """As of a lag, and where both have lost some rows, but not the same ones."""
    one, two = sorted(order[:n]), sorted(order[-n:])
    with pytest.warns(RowNamesWarning, match="the row names of X and Y differ"):
        check_row_names({"X": frame(index[one]), "Y": frame(index[two])})
    with pytest.warns(RowNamesWarning, match="the row names of X and Y differ"):
        check_row_names({"X": frame(index[:-1]), "Y": frame(index[1:])})


def test_names_that_repeat_keep_the_order_in_which_they_come_first():
    index = INDEXES["repeated"]
    with pytest.warns(RowNamesWarning, match="the row names of X and Y differ"):
        check_row_names({"X": frame(index[:-1]), "Y": frame(index[1:])})
    with pytest.raises(ValueError, match="Y has some row names of X in another order"):
        check_row_names({"X": frame(index[:-1]), "Y": frame(index[:0:-1])})


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(["Mon", "Tue", "Wed", "Thu", "Fri"] * 4),
        pd.Index([True, False] * 6),
        pd.Index([0, 1, 2] * 4),
        pd.CategoricalIndex(list("aabbcc") * 2),
        pd.MultiIndex.from_product([["a", "b"], ["c", "d"], [None] * 3]),
    ],
)
def test_classes_do_not_tell_which_rows_belong_together(index):
    with pytest.warns(RowNamesWarning, match="the row names of X and Y differ"):
        check_row_names({"X": frame(index), "Y": frame(index[::-1])})


def test_levels_of_another_meaning_do_not_tell_which_rows_belong_together():
    pairs = [(i, j) for i in range(3) for j in range(3)]
    one = pd.MultiIndex.from_tuples(pairs, names=["subject", "run"])
    for two in (
        one.swaplevel(),
        pd.MultiIndex.from_tuples([(*pair, 0) for pair in pairs[::-1]]),
        pd.MultiIndex.from_tuples(pairs[::-1], names=["subject", "trial"]),
    ):
        for given_ in ({"X": frame(one), "Y": frame(two)}, {"X": frame(two), "Y": frame(one)}):
            with pytest.warns(RowNamesWarning, match="the row names of X and Y differ"):
                check_row_names(given_)
    for same in (one[::-1], one[::-1].set_names([None, None]), one[::-1].to_flat_index()):
        with pytest.raises(ValueError, match="Y has the row names of X in another order"):
            check_row_names({"X": frame(one), "Y": frame(same)})


def test_names_are_compared_beside_integers_that_say_nothing():
    numbers, names = frame(INDEXES["integers"]), INDEXES["strings"]
    with pytest.raises(ValueError, match="y has the row names of Y in another order"):
        check_row_names({"X": numbers, "Y": frame(names), "y": frame(names[::-1])})
    check_row_names({"X": numbers, "Y": frame(names), "y": frame(names.copy())})


def test_each_index_that_differs_is_one_warning():
    names = INDEXES["strings"]
    frames = [frame(names + end) for end in ("a", "b", "b", "c")]
    with pytest.warns(RowNamesWarning) as caught:
        check_row_names(dict(zip("XYyw", frames, strict=True)))
    assert [str(each.message)[:30] for each in caught] == [
        "the row names of X and Y diffe",
        "the row names of X and w diffe",
    ]


def test_common_names_in_another_order_are_an_error():
    index = INDEXES["strings"]
    X, Y = frame(index[:-2]), frame(index[:1:-1])
    with pytest.raises(ValueError, match="Y has some row names of X in another order") as caught:
        check_row_names({"X": X, "Y": Y})
    advice = re.search(r"both, (.*?) and (.*?) with common = (.*?);", str(caught.value))
    common = eval(advice[3], {"X": X, "Y": Y})
    x, y = (eval(advice[i], {"X": X, "Y": Y, "common": common}) for i in (1, 2))
    assert len(x) == N - 4
    check_row_names({"X": x, "Y": y})


def test_entries_of_mappings_are_named_by_their_expressions():
    X, Y = frame(INDEXES["strings"]), frame(INDEXES["strings"][::-1])
    expected = re.escape("rows['b'][1] has the row names of rows['a'] in another order")
    with pytest.raises(ValueError, match=expected):
        check_row_names({"rows": {"a": X, "n": np.arange(N), "b": {0: X, 1: Y}}})


def test_other_numbers_of_rows_are_left_to_other_checks():
    check_row_names({"X": frame(INDEXES["strings"]), "Y": frame(INDEXES["strings"][5:])})


def test_files_are_named_by_their_paths():
    X, Y = frame(INDEXES["strings"]), frame(INDEXES["strings"][::-1])
    with pytest.raises(ValueError, match=r"write b\.parquet again, in the order of a\.csv\.$"):
        check_row_names({"a.csv": X, "b.parquet": Y}, files=True)
    with pytest.warns(RowNamesWarning, match="write one of them without names"):
        check_row_names({"a.csv": X, "b": frame(INDEXES["strings"].str.upper())}, files=True)


def test_integers_that_files_hold_count_as_names():
    counted = frame(pd.Index(np.arange(N)))
    shuffled = frame(pd.Index(np.random.default_rng(0).permutation(N)))
    for one, two in ((counted, shuffled), (shuffled, counted)):
        with pytest.raises(ValueError, match=r"has the row names of .* in another order"):
            check_row_names({"x.csv": one, "y.csv": two}, files=True)
    check_row_names({"x.csv": counted, "y.csv": frame(INDEXES["integers"])}, files=True)
    later = frame(INDEXES["integers"] + 1000)
    with pytest.warns(RowNamesWarning, match="differ"):
        check_row_names({"x.csv": frame(INDEXES["integers"]), "y.csv": later}, files=True)


def test_a_mask_with_names():
    X = frame(INDEXES["strings"])
    mask = X["value"] > 3
    check_mask(X, mask)
    check_mask(X, mask.to_numpy()[::-1])
    check_mask(X, X["value"][::-1])  # numbers of rows
    with pytest.raises(
        ValueError, match=r"mask has the row names of rows.*mask\.loc\[rows\.index\]"
    ):
        check_mask(X, mask[::-1])


def test_the_index_of_a_mapping_is_the_first_with_names():
    default, named = frame(pd.RangeIndex(N)), frame(INDEXES["strings"])
    assert row_index({"a": np.arange(N), "b": default, "c": named}) is named.index
    assert row_index({"a": np.arange(N), "b": default}) is default.index
    assert row_index({"a": np.arange(N)}) is row_index(list(range(N))) is None


def test_equal_indexes_cost_little():
    """The same index costs nothing; another with equal names, one pass without hashing."""
    index = pd.Index(np.random.default_rng(0).permutation(10**6))
    X, Y, Z = frame(index), frame(index), frame(index.copy(deep=True))

    def seconds(*frames):
        start = time.perf_counter()
        check_row_names(dict(zip("XY", frames, strict=True)))
        return time.perf_counter() - start

    start = time.perf_counter()
    index.factorize()
    hashing = time.perf_counter() - start
    assert min(seconds(X, Y) for _ in range(5)) < hashing / 100
    assert min(seconds(X, Z) for _ in range(5)) < hashing / 4
