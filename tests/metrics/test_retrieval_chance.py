"""Chance levels of retrieval: hand values, and means over random orders of the gallery."""

from itertools import permutations

import numpy as np
import pytest

from mibsk.metrics import (
    mean_average_precision,
    mean_reciprocal_rank,
    median_rank,
    permutation_test,
    recall_at_k,
)
from mibsk.metrics.retrieval._chance import (
    average_precision_by_chance,
    median_rank_by_chance,
    recall_by_chance,
    reciprocal_rank_by_chance,
)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_one_partner(n):
    one = np.ones(n, dtype=int)
    for k in {1, min(5, n), n}:
        assert recall_by_chance(n, one, k=k) == pytest.approx(k / n)
    assert recall_by_chance(n, one, k=n + 5) == 1
    harmonic = sum(1 / i for i in range(1, n + 1))
    assert reciprocal_rank_by_chance(n, one) == pytest.approx(harmonic / n)
    assert average_precision_by_chance(n, one) == pytest.approx(harmonic / n)
    assert median_rank_by_chance(n, one) == (n + 1) / 2


@pytest.mark.parametrize("classes", [[0, 0, 1, 1, 2], [0, 0, 0, 0, 0], [0, 1, 1, 1, 1]])
def test_equals_the_mean_over_all_orders_of_the_gallery(classes):
    """The metrics themselves, for queries that rank the gallery in each of all orders."""
    classes = np.array(classes)
    n = len(classes)
    relevant = np.array([(classes == c).sum() for c in classes])
    orders = np.array(list(permutations(range(n, 0, -1))), dtype=float)  # scores of the gallery
    queries = np.repeat(np.arange(n), len(orders))
    X, labels = np.tile(orders, (n, 1)), (classes[queries], classes)
    for k in (1, 2, 4):
        expected = recall_at_k(X, np.eye(n), k=k, labels=labels)
        assert recall_by_chance(n, relevant, k=k) == pytest.approx(expected)
    expected = mean_reciprocal_rank(X, np.eye(n), labels=labels)
    assert reciprocal_rank_by_chance(n, relevant) == pytest.approx(expected)
    expected = mean_average_precision(X, np.eye(n), labels=labels)
    assert average_precision_by_chance(n, relevant) == pytest.approx(expected)
    assert median_rank_by_chance(n, relevant) == median_rank(X, np.eye(n), labels=labels)


def test_equals_the_mean_over_shuffled_partners():
    X, Y = np.random.default_rng(0).standard_normal((2, 50, 4))
    found = permutation_test(recall_at_k, X, Y, k=5, n_permutations=400)
    error = found.null.std() / 20
    assert found.null.mean() == pytest.approx(recall_by_chance(50, np.ones(50), k=5), abs=4 * error)


def test_large_galleries():
    relevant = np.full(20_000, 10)
    assert recall_by_chance(20_000, relevant, k=1) == pytest.approx(10 / 20_000)
    # the first of R uniform places is about n / (R + 1) on average, its median n (1 - 2^(-1/R))
    assert median_rank_by_chance(20_000, relevant) == pytest.approx(
        20_000 * (1 - 2**-0.1), rel=1e-3
    )
