import inspect

import pytest

from mibsk import metrics
from mibsk.metrics.catalogue import CATALOGUE, GROUPS


def test_every_metric_is_in_it():
    """A metric is a public function that takes ``ci``; others do not return one number."""
    functions = {name: getattr(metrics, name) for name in metrics.__all__}
    public = {
        name
        for name, function in functions.items()
        if inspect.isfunction(function) and "ci" in inspect.signature(function).parameters
    }
    assert len(public) > 20
    assert public - {entry.metric.__name__ for entry in CATALOGUE} <= {
        "compare",
        "partial_information",
        # of captions, not of embeddings
        "bleu",
        "cider_d",
        "rouge_l",
        "caption_scores",
        "compare_captions",
        # tables of several metrics
        "analogy_recall",
        "retrieval_scores",
    }


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_an_entry_is_complete(entry):
    takes = inspect.signature(entry.metric).parameters
    assert {*entry.arguments, "ci"} <= takes.keys()
    assert ("k" in takes) == (entry.takes_k or "k" in entry.arguments)
    assert ("labels" in takes) == (entry.of in ("both ways", "shared", "nuisance", "other"))
    assert entry.group in GROUPS
    assert entry.meaning.endswith(".")
    assert len(entry.meaning) < 90
    assert entry.source


def test_names_and_titles_are_unique():
    for name in ("name", "title"):
        values = [getattr(entry, name) for entry in CATALOGUE]
        assert len(set(values)) == len(values)
