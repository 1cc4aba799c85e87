"""Metrics of a report share what they search for, and have the same values as alone."""

import numpy as np
import pytest

from mibsk import metrics
from mibsk.metrics import Bootstrap
from mibsk.metrics.neighbours import _overlap, keep_searches
from mibsk.metrics.retrieval import _queries

from .draws import draw_pair


def counted(monkeypatch, module, name):
    calls = []
    function = getattr(module, name)

    def counting(*args, **kwargs):
        calls.append(args)
        return function(*args, **kwargs)

    monkeypatch.setattr(module, name, counting)
    return calls


def measured(X, Y, labels):
    return [
        [metrics.recall_at_k(a, b, k=k, labels=labels) for k in (1, 5)]
        + [metrics.median_rank(a, b, labels=labels), metrics.mean_reciprocal_rank(a, b)]
        for a, b in ((X, Y), (Y, X))
    ]


@pytest.mark.parametrize("with_classes", [False, True])
def test_ranks_are_searched_for_once(monkeypatch, with_classes):
    X, Y = draw_pair(0, n=80, d_x=4)
    classes = np.arange(80) % 9
    labels = (classes, classes) if with_classes else None
    alone = measured(X, Y, labels)
    calls = counted(monkeypatch, _queries, "first_ranks")
    with keep_searches():
        assert measured(X, Y, labels) == alone
    assert len(calls) == (4 if with_classes else 2)  # of partners and of classes, both ways


def test_neighbours_of_resamples_are_found_once(monkeypatch):
    X, Y = draw_pair(0, n=90)
    ci = Bootstrap(n_resamples=10)
    all_metrics = metrics.mutual_knn, metrics.cycle_knn, metrics.lcs_knn, metrics.edit_distance_knn
    alone = [metric(X, Y, k=4, ci=ci).replicates for metric in all_metrics]
    calls = counted(monkeypatch, _overlap.NeighboursAmong, "_among")
    for room, n_searches in ((2**24, 2 * 10), (0, 2 * 10 * len(all_metrics))):
        monkeypatch.setattr(_overlap, "_KEPT_AT_MOST", room)
        calls.clear()
        with keep_searches():
            found = [metric(X, Y, k=4, ci=ci).replicates for metric in all_metrics]
        assert len(calls) == n_searches
        np.testing.assert_array_equal(found, alone)
