"""Points in time in conditions: the browser reads them as Python does."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import mibsk
from mibsk.index._columns import microseconds

NEAREST = Path(mibsk.__file__).parent / "page" / "static" / "nearest.js"
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
]
NO_TIMES = ["garbage", "", "2024-13-01", "2023-02-29", "2024-01-01T25:00", "01/02/2024"]
PROGRAM = """
import { timeOf } from %s;
const read = (text) => { try { return String(timeOf(text)); } catch (error) { return null; } };
console.log(JSON.stringify(%s.map(read)));
"""


def in_javascript(texts, zone):
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    program = PROGRAM % (json.dumps(NEAREST.as_uri()), json.dumps(texts))
    done = subprocess.run(
        ["node", "--input-type=module", "-e", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"TZ": zone, "NODE_NO_WARNINGS": "1"},
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_times_are_those_of_python(zone):
    assert in_javascript(TIMES, zone) == [str(microseconds(each)) for each in TIMES]


def test_other_text_is_refused():
    assert in_javascript(NO_TIMES, "UTC") == [None] * len(NO_TIMES)
