"""The benchmark of searches compares an index with brute force."""

import numpy as np

from benchmarks.search_recall import brute_force, measure, mixture


def test_brute_force_orders_ties_by_id():
    z = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.5, 0.0]])
    ids = np.array(["c", "b", "a", "d"], object)
    assert brute_force(z, ids, np.array([[1.0, 0.0]]), 3) == [["a", "c", "d"]]


def test_lines_of_an_index():
    flat, ivf = measure("mixture", mixture(600, 4, 1), mixture(5, 4, 2), [1])
    assert (flat["kind"], flat["recall_at_10"], flat["same_order"]) == ("flat", 1, True)
    assert (ivf["kind"], ivf["probes"], ivf["rows"]) == ("ivf", 1, 600)
    assert 0 < ivf["recall_at_10"] <= 1
