"""Labels that are compared must be of one type: numbers, strings, dates."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk import ClassPairs
from mibsk.inspection import RetrievalDisplay
from mibsk.metrics import (
    leakage,
    mean_average_precision,
    mean_reciprocal_rank,
    median_rank,
    recall_at_k,
)

N = 12
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 3))
Y = X + 0.5 * rng.normal(size=(N, 3))
CODES = np.arange(N) % 6
LETTERS = np.array(list("abcdef"))[CODES]
METRICS = [recall_at_k, mean_average_precision, mean_reciprocal_rank, median_rank]
NUMBERS = {
    "int64": CODES,
    "int8": CODES.astype(np.int8),
    "big-endian": CODES.astype(">i4"),
    "unsigned": CODES.astype(np.uint16),
    "float": CODES.astype(float),
    "half": CODES.astype(np.float16),
    "objects": CODES.astype(object),
    "nullable": pd.Series(CODES, dtype="Int64"),
    "nullable float": pd.Series(CODES, dtype="Float64"),
    "categories": pd.Series(CODES, dtype="category"),
    "a list": CODES.tolist(),
}
STRINGS = {
    "U": LETTERS,
    "objects": LETTERS.astype(object),
    "str": pd.Series(LETTERS),
    "StringDtype": pd.Series(LETTERS, dtype="string"),
    "categories": pd.Series(LETTERS, dtype="category"),
    "categories in another order": pd.Categorical(LETTERS, categories=list("fedcba")),
    "a list": LETTERS.tolist(),
}
DATES = {
    "datetime64": pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(CODES, unit="D")),
    "numpy": np.datetime64("2020-01-01") + CODES.astype("timedelta64[D]"),
}


@pytest.mark.parametrize("kind", [NUMBERS, STRINGS, DATES], ids=["numbers", "strings", "dates"])
@pytest.mark.parametrize("metric", METRICS)
def test_equal_labels_of_one_kind_are_equal(metric, kind):
    plain = metric(X, Y, labels=(CODES, CODES))
    for a in kind.values():
        for b in kind.values():
            assert metric(X, Y, labels=(a, b)) == plain


@pytest.mark.parametrize("metric", METRICS)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_labels_of_two_kinds_are_an_error(metric, data):
    kinds = [NUMBERS, STRINGS, DATES, {"numbers as text": CODES.astype(str)}]
    first = data.draw(st.integers(0, 3))
    second = data.draw(
        st.sampled_from([i for i in range(4) if {i, first} not in ({first}, {1, 3})])
    )
    labels = tuple(kinds[i][data.draw(st.sampled_from(sorted(kinds[i])))] for i in (first, second))
    with pytest.raises(TypeError, match=r"labels\[0\] and labels\[1\] must be of one type.*: "):
        metric(X, Y, labels=labels)


@pytest.mark.parametrize("numbers", [CODES, CODES.astype(float)])
@pytest.mark.parametrize("swap", [False, True])
def test_the_message_names_both_types_and_says_what_to_do(numbers, swap):
    labels = (CODES.astype(str), numbers) if swap else (numbers, CODES.astype(str))
    with pytest.raises(TypeError, match="string") as caught:
        recall_at_k(X, Y, labels=labels)
    message = str(caught.value)
    assert ("integer" if numbers is CODES else "floating") in message
    advice = re.search(r"pass (labels\[(\d)\].*), or", message)
    converted = list(labels)
    converted[int(advice[2])] = eval(advice[1], {"labels": labels})
    assert recall_at_k(X, Y, labels=tuple(converted)) == recall_at_k(X, Y, labels=(CODES, CODES))


def test_labels_of_a_display():
    show = {"queries": list(LETTERS), "gallery": list(LETTERS), "n_queries": 1, "k": 1}
    with pytest.raises(TypeError, match="labels of X and labels of Y must be of one type"):
        RetrievalDisplay.from_embeddings(X, Y, labels=(CODES, CODES.astype(str)), **show)


def test_labels_of_held_out_rows():
    with pytest.raises(TypeError, match="factor 'label' and factor 'label', held out, must be of"):
        leakage(X, CODES, Z_test=Y, labels_test=CODES.astype(str))
    same = leakage(X, CODES, Z_test=Y, labels_test=CODES)
    assert leakage(X, CODES, Z_test=Y, labels_test=CODES.astype(float)) == same


def test_labels_of_class_pairs():
    with pytest.raises(
        TypeError, match=r"of one type, got \{'a': 'int64', 'b': '<U.*astype\(str\)"
    ):
        ClassPairs({"a": (X, CODES), "b": (Y, CODES.astype(str))})
    for labels in (CODES.astype(float), pd.Series(CODES, dtype="Int64")):
        assert len(ClassPairs({"a": (X, CODES), "b": (Y, labels)})) == N
    for a in STRINGS.values():
        for b in STRINGS.values():
            pairs = ClassPairs({"a": (X, a), "b": (Y, b)}, random_state=0)
            assert (pairs.labels == LETTERS).all()
