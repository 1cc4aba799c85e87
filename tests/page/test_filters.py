"""Values of conditions, as people write them."""

import json

from tests.javascript import in_node


def read(kind, *texts):
    tried = f"(text) => tried(() => page.readAs({json.dumps(kind)}, text))"
    return in_node("filters.js", f"{json.dumps(texts)}.map({tried})")


def test_values_are_those_of_the_column():
    assert read("string", "7", "true", "") == ["7", "true", ""]
    assert read("integer", "7", "-3", "1e3", "9007199254740991") == [7, -3, 1000, 2**53 - 1]
    assert read("number", "0.5", "1e300") == [0.5, 1e300]
    assert read("boolean", "true", "FALSE") == [True, False]


def test_values_of_another_kind_are_refused():
    assert read("integer", "many", "") == [f"takes a number, not {t}." for t in ('"many"', '""')]
    assert read("boolean", "yes") == ['takes true or false, not "yes".']


def test_whole_numbers_that_browsers_round_are_refused():
    for text in ("9007199254740993", "-9007199254740992", "9223372036854775807"):
        (answer,) = read("integer", text)
        assert answer.startswith("takes whole numbers up to 9007199254740991 here")
        assert answer.endswith(f"not {text}.")
