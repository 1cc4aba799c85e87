"""Points in time in conditions: the browser reads them as Python does."""

import json

import pytest

from mibsk.index._columns import microseconds
from tests.javascript import in_node

TIMES = [
    "2024-01-01",
    "2024-01-01T12:00",
    "2024-01-01T12:00:00",
    "2024-01-01 12:00:00.0004",
    "2024-02-29T23:59:59.999999Z",
    "2024-01-01T12:00:00+02:00",
    "2024-01-01T12:00:00-0930",
    "1969-12-31T23:59:59.5",
    "1899-03-04T05:06:07Z",
    "2024-01-01T12:00:00+23:59",
    "2024-01-01T12:00:00-23:59",
]
SUCH = "2024-01-31 or 2024-01-31T12:00:00Z"
NO_TIMES = [
    "garbage",
    "",
    "2024-13-01",
    "2023-02-29",
    "2024-01-01T25:00",
    "01/02/2024",
    "2024-01-01T12:00+24:00",
    "2024-01-01T12:00+99:99",
    "2024-01-01T12:00-2400",
    "2024-01-01Z",
    "2024-01-01+02:00",
]


def in_javascript(texts, zone):
    read = f"{json.dumps(texts)}.map((text) => tried(() => String(page.timeOf(text))))"
    return in_node("nearest.js", read, zone)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_times_are_those_of_python(zone):
    assert in_javascript(TIMES, zone) == [str(microseconds(each)) for each in TIMES]


def test_other_text_is_refused():
    for text, answer in zip(NO_TIMES, in_javascript(NO_TIMES, "UTC"), strict=True):
        assert answer in (f"There is no time {text}.", f"{text} is no date such as {SUCH}.")


@pytest.mark.parametrize("text", [each for each in NO_TIMES if each != "01/02/2024"])
def test_python_refuses_it_too(text):
    with pytest.raises(ValueError):  # noqa: PT011  # of pandas, with a message for each
        microseconds(text)
