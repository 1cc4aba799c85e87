import inspect

import pytest

from mibsk import metrics
from mibsk.metrics import METRICS
from mibsk.reporting._catalogue import CATALOGUE, GROUPS


def test_every_metric_is_in_it():
    """A metric is a public function that takes ``ci``; `compare` takes metrics."""
    functions = {name: getattr(metrics, name) for name in metrics.__all__}
    public = {
        name
        for name, function in functions.items()
        if inspect.isfunction(function) and "ci" in inspect.signature(function).parameters
    }
    assert len(public) > 20
    assert public - {entry.metric for entry in CATALOGUE} <= {"compare"}
    assert public - METRICS.keys() == {"compare"}


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.key)
def test_an_entry_is_complete(entry):
    function = METRICS[entry.metric].function
    assert function is getattr(metrics, entry.metric)
    takes = inspect.signature(function).parameters
    assert {*entry.params, "ci"} <= takes.keys()
    assert ("k" in takes) == (entry.takes_k or "k" in entry.params)
    assert ("labels" in takes) == (
        entry.retrieves is not None or entry.role in ("shared", "nuisance", "other")
    )
    assert entry.described.kind in GROUPS
    assert (entry.role is not None) == (entry.described.compares == "factors")
    assert entry.meaning.endswith(".")
    assert len(entry.meaning) < 90
    assert entry.source
    assert entry.tested == (entry.described.kind == "alignment")


def test_keys_and_titles_tell_entries_apart():
    for name in ("key", "title"):
        values = [getattr(entry, name) for entry in CATALOGUE]
        assert len(set(values)) == len(values)
