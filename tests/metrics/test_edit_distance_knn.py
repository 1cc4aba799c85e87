"""Edit-distance k-NN: the textbook form and hand values; laws are in test_knn_overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mibsk.metrics import edit_distance_knn, mutual_knn
from mibsk.metrics.neighbours._edit_distance_knn import edit_similarity

from .draws import few, seeds


def textbook(a, b):
    """Return the edit distance of Levenshtein: one cell at a time."""
    edits = np.zeros((len(a) + 1, len(b) + 1), int)
    edits[:, 0], edits[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i in range(len(a)):
        for j in range(len(b)):
            edits[i + 1, j + 1] = min(
                edits[i, j] + (a[i] != b[j]), edits[i, j + 1] + 1, edits[i + 1, j] + 1
            )
    return edits[-1, -1]


@few
@given(seeds, st.integers(1, 20), st.integers(1, 12), st.integers(0, 10))
def test_equals_the_textbook_form(seed, n, k, more):
    rng = np.random.default_rng(seed)
    near_x, near_y = rng.permuted(np.tile(np.arange(k + more), (2, n, 1)), axis=2)[:, :, :k]
    expected = [1 - textbook(a, b) / k for a, b in zip(near_x, near_y, strict=True)]
    assert edit_similarity(near_x, near_y) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [
        ([1, 2, 3, 4], [0, 1, 2, 3], 2),  # one inserted, one deleted
        ([1, 2, 3], [1, 7, 3], 1),
        ([1, 2], [2, 1], 2),
        ([1, 2], [3, 4], 2),
    ],
)
def test_hand_values(a, b, edits):
    assert edit_similarity(np.array([a]), np.array([b])) == pytest.approx(1 - edits / len(a))


@few
@given(seeds, st.integers(3, 30))
def test_is_mutual_knn_for_one_neighbour(seed, n):
    X, Y = np.random.default_rng(seed).standard_normal((2, n, 3))
    assert edit_distance_knn(X, Y, k=1) == pytest.approx(mutual_knn(X, Y, k=1))
