"""Conditions on metadata mean the same in every store, and what pandas says."""

import datetime
import tempfile
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mibsk.index import open_index

from .conftest import bundle, unit

INTEGERS = st.one_of(
    st.integers(-3, 3),
    st.integers(2**53 - 2, 2**53 + 2),
    st.integers(-(2**53) - 2, -(2**53) + 2),
    st.sampled_from([2**62, 2**62 + 1, 2**63 - 1, -(2**63)]),
)
WORDS = st.one_of(
    st.sampled_from(
        ["", "a", "A", "it's", '"', "100 %", "%", "_", "\\", "\\'", "naïve", "☃", "a'--"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
)
NUMBERS = st.one_of(st.integers(-2, 2).map(float), st.floats(allow_nan=False, allow_infinity=False))
TIMES = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1)).map(
    lambda time: time.replace(tzinfo=datetime.UTC)
)
VALUES = {"s": WORDS, "i": INTEGERS, "f": NUMBERS, "b": st.booleans(), "d": TIMES}
COLUMNS = {"s": "colour of it's", "i": "Number", "f": "x.y", "b": 'say "b"', "d": "tag ☃"}


@st.composite
def tables(draw):
    """Draw a table with a column of each type, and missing values."""
    n = draw(st.integers(1, 8))
    columns = {}
    for kind, values in VALUES.items():
        cells = draw(st.lists(st.one_of(values, values, st.none()), min_size=n, max_size=n))
        cells[0] = draw(values) if cells[0] is None else cells[0]  # or it has no type
        columns[COLUMNS[kind]] = pd.Series(cells, dtype=object)
    return pd.DataFrame(columns)


@st.composite
def wheres(draw, table):
    """Draw conditions, whose values are often those of the table."""
    where = {}
    for kind in draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3, unique=True)):
        there = [each for each in table[COLUMNS[kind]] if each is not None]
        value = st.one_of(st.sampled_from(there), VALUES[kind])
        if kind == "i":
            value = st.one_of(value, st.sampled_from([0.5, -1.5, 2.0, 1e300, 2**64, -(2**70)]))
        names = ["gte", "gt", "lte", "lt", "ne"] if kind in "ifd" else ["ne"]
        compared = st.dictionaries(st.sampled_from(names), value, min_size=1, max_size=2)
        any_of = st.lists(st.one_of(value, st.none()), min_size=1, max_size=3)
        not_missing = st.just({"ne": None})
        where[COLUMNS[kind]] = draw(
            st.one_of(value, st.none(), any_of, compared, compared, not_missing)
        )
    return where


def fulfils(cell, wanted):
    """Say whether a cell fulfils a condition, by Python's comparisons, which are exact."""
    if isinstance(wanted, dict):
        return cell is not None and all(
            {
                "gte": lambda a, b: a >= b,
                "gt": lambda a, b: a > b,
                "lte": lambda a, b: a <= b,
                "lt": lambda a, b: a < b,
                "ne": lambda a, b: a != b,
            }[name](cell, value)
            for name, value in wanted.items()
            if value is not None
        )
    wanted = wanted if isinstance(wanted, list) else [wanted]
    return any(
        cell is None if each is None else cell is not None and cell == each for each in wanted
    )


def ids_by(index, n, where):
    (hits,) = index.search("a", unit(1), n, where=where)
    return {hit.id for hit in hits}


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_stores_and_python_agree(data):
    table = data.draw(tables())
    n = len(table)
    ids = [str(i) for i in range(n)]
    with tempfile.TemporaryDirectory() as folder:
        places = {"lance": folder, "qdrant": f"qdrant+memory://where-{uuid.uuid4().hex}"}
        indexes = {
            name: open_index(place, bundle=bundle(), create=True) for name, place in places.items()
        }
        for index in indexes.values():
            index.add("a", ids, unit(n), table)
        indexes["lance, from disk"] = open_index(folder)
        indexes["lance, from disk"].memory = 0
        metadata = {
            name: [row.metadata for row in index.get("a", ids)] for name, index in indexes.items()
        }
        assert metadata["lance"] == metadata["qdrant"]
        for kind in "sifb":
            column = COLUMNS[kind]
            assert [row[column] for row in metadata["lance"]] == list(table[column])
        for _ in range(6):
            where = data.draw(wheres(table))
            expected = {
                ids[i]
                for i in range(n)
                if all(fulfils(table[column][i], wanted) for column, wanted in where.items())
            }
            for name, index in indexes.items():
                assert ids_by(index, n, where) == expected, (name, where)


def test_pandas_agrees(index):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "label": rng.integers(0, 5, 200),
            "speaker": rng.choice(["ann", "bob", "o'neil"], 200),
            "taken": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90, 200), "D"),
        }
    )
    ids = [str(i) for i in range(200)]
    index.add("a", ids, unit(200), table)
    label, speaker, taken = table["label"], table["speaker"], table["taken"]
    day = pd.Timestamp("2026-02-01")
    for where, mask in (
        ({"label": 3}, label == 3),
        ({"speaker": "o'neil", "label": [1, 2]}, (speaker == "o'neil") & label.isin([1, 2])),
        (
            {"taken": {"gte": "2026-02-01", "lt": "2026-03-01"}},
            (taken >= day) & (taken < pd.Timestamp("2026-03-01")),
        ),
        ({"taken": "2026-02-01T01:00:00+01:00"}, taken == day),
        ({"speaker": {"ne": "ann"}, "label": {"gt": 1.5}}, (speaker != "ann") & (label > 1.5)),
    ):
        assert mask.any()
        assert ids_by(index, 200, where) == {str(i) for i in table.index[mask]}


@pytest.mark.parametrize(
    ("where", "error", "message"),
    [
        ({"labell": 1}, ValueError, "no column 'labell', only label, word, on, day.*mean"),
        ({"label": "1"}, TypeError, "type integer, got '1'"),
        ({"label": True}, TypeError, "type integer, got True"),
        ({"label": [1, "x"]}, TypeError, "type integer, got 'x'"),
        ({"label": []}, ValueError, "any of no values"),
        ({"label": {}}, ValueError, "condition on column 'label' is empty"),
        ({"label": {"gtee": 1}}, ValueError, "'gtee' is no comparison.*mean"),
        ({"label": float("nan")}, ValueError, "compared with NaN"),
        ({"word": 1}, TypeError, "type string, got 1"),
        ({"word": {"gt": "a"}}, ValueError, "'gt' does not compare"),
        ({"word": "x' OR true --", "on": "yes"}, TypeError, "type boolean, got 'yes'"),
        ({"day": "yesterday or so"}, ValueError, "contains dates, got 'yesterday or so'"),
        ("label = 1", TypeError, "where must map columns"),
    ],
)
def test_bad_conditions(index, where, error, message):
    table = pd.DataFrame(
        {"label": [1], "word": ["x"], "on": [True], "day": [pd.Timestamp("2026-01-31")]}
    )
    index.add("a", ["1"], unit(1), table)
    with pytest.raises(error, match=message):
        index.search("a", unit(1), where=where)
    assert ids_by(index, 1, {"word": "x' OR true --"}) == set()
