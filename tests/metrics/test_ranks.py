"""Ranks of relevant rows: exact in every path, ties against the query."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from mibsk.metrics.neighbours import _inner_products
from mibsk.metrics.retrieval import _ranks
from mibsk.metrics.retrieval._ranks import Relevance, average_precisions, first_ranks

from .draws import few, seeds


def naive_ranks(X, Y, relevance=None):
    S = np.einsum("id,jd->ij", np.asarray(X, float), np.asarray(Y, float))
    if relevance is None:
        relevant = np.eye(len(X), len(Y), dtype=bool)
    else:
        relevant = relevance.queries[:, None] == relevance.gallery
    ranks = []
    for scores, mask in zip(S, relevant, strict=True):
        best = max(scores[mask], default=None)
        ranks.append(len(Y) if best is None else int((scores[~mask] >= best).sum()))
    return np.array(ranks)


def draw_classes(rng, n, m, n_classes):
    return Relevance(rng.integers(0, n_classes, n), rng.integers(0, n_classes, m))


@few
@given(seeds, st.integers(2, 40), st.booleans())
def test_partners(seed, n, tied):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, n, 3))
    if tied:
        X, Y = rng.integers(-1, 2, (2, n, 3)).astype(float)
    expected = naive_ranks(X, Y)
    assert np.array_equal(first_ranks(X, Y), expected)
    enough = rng.integers(1, n + 1)
    assert np.array_equal(first_ranks(X, Y, enough=enough) < enough, expected < enough)


@few
@given(seeds, st.integers(1, 30), st.integers(1, 40), st.integers(1, 12), st.booleans())
def test_classes(seed, n, m, n_classes, dense):
    rng = np.random.default_rng(seed)
    X, Y = rng.integers(-2, 3, (n, 3)).astype(float), rng.integers(-2, 3, (m, 3)).astype(float)
    relevance = draw_classes(rng, n, m, n_classes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_ranks, "FEW_PAIRS", -1 if dense else 10**9)
        assert np.array_equal(first_ranks(X, Y, relevance), naive_ranks(X, Y, relevance))


def test_wide_galleries_are_searched_in_parts():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 8))
    Y = X + rng.standard_normal((3000, 8))
    expected = naive_ranks(X, Y)
    assert 0.02 < (expected < 1).mean() < 0.9
    assert np.array_equal(first_ranks(X, Y), expected)
    for enough in (1, 10):
        assert np.array_equal(first_ranks(X, Y, enough=enough) < enough, expected < enough)


def test_scores_closer_than_the_error_of_float32():
    rng = np.random.default_rng(0)
    base = rng.standard_normal((1, 8))
    X, Y = base + 1e-8 * rng.standard_normal((2, 500, 8))
    S = np.einsum("id,jd->ij", X, Y)
    assert len(np.unique(S.astype(np.float32))) < 20
    found, expected = first_ranks(X, Y), naive_ranks(X, Y)
    assert (found == expected).mean() > 0.9  # the others are within rounding
    assert np.abs(found - expected).max() <= 2


def test_scores_that_differ_by_rounding_are_ties():
    direction = np.random.default_rng(0).standard_normal(50)
    collapsed = np.tile(direction, (40, 1)) * (1 + 1e-16)
    assert (first_ranks(collapsed, collapsed) == 39).all()
    relevance = Relevance(np.arange(40) % 2, np.arange(40) % 2)
    assert (first_ranks(collapsed, collapsed, relevance) == 20).all()


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e300])
def test_scale_and_rows_of_very_different_norms(size):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 300, 4))
    assert np.array_equal(first_ranks(size * X, Y / size), first_ranks(X, Y))
    X *= np.logspace(-12, 12, 300)[:, None]
    X[5], Y[9] = 0, 0
    assert np.array_equal(first_ranks(X, Y), naive_ranks(X, Y))


@pytest.mark.parametrize("seed", range(12))
def test_the_same_on_an_accelerator(seed, accelerated):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    draws = rng.standard_normal((2, n, 4)), rng.integers(-1, 2, (2, n, 2)), np.ones((2, n, 3))
    for X, Y in (pair.astype("f4") for pair in draws):
        relevance = draw_classes(rng, n, n, 5)
        tensors = accelerated(X), accelerated(Y)
        assert np.array_equal(first_ranks(*tensors), naive_ranks(X, Y))
        assert np.array_equal(first_ranks(*tensors, relevance), naive_ranks(X, Y, relevance))
        found = average_precisions(*tensors, relevance)
        assert np.allclose(found, average_precisions(X, Y, relevance), atol=1e-12)


@few
@given(seeds, st.integers(1, 20), st.integers(2, 40), st.integers(1, 6))
def test_average_precision_equals_scikit_learn(seed, n, m, n_classes):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, 4)), rng.standard_normal((m, 4))
    relevance = draw_classes(rng, n, m, n_classes)
    found = average_precisions(X, Y, relevance)
    for i, code in enumerate(relevance.queries):
        relevant = relevance.gallery == code
        expected = average_precision_score(relevant, Y @ X[i]) if relevant.any() else 0.0
        assert found[i] == pytest.approx(expected)


def test_irrelevant_rows_come_first_among_equal_scores():
    relevance = Relevance(np.array([1]), np.array([1, 0, 0]))
    for sign in (-1.0, 1.0):  # the order is kept in the last bit, whose weight has the sign of it
        found = average_precisions(np.array([[sign]]), np.ones((3, 1)), relevance)
        assert found == pytest.approx(1 / 3)
    for zero in (0.0, -0.0):
        found = average_precisions(np.array([[zero]]), np.ones((3, 1)), relevance)
        assert found == pytest.approx(1 / 3)


def test_tiles_do_not_change_ranks(monkeypatch):
    rng = np.random.default_rng(0)
    X, Y = rng.integers(-2, 3, (2, 90, 4)).astype(float)
    relevance = draw_classes(rng, 90, 90, 4)
    plain = first_ranks(X, Y), first_ranks(X, Y, relevance), average_precisions(X, Y, relevance)
    for name, value in (("TILE_IN_CACHE", 1), ("ROWS_AT_LEAST", 7), ("CHUNK_SIZE", 60)):
        monkeypatch.setattr(_inner_products, name, value)
    monkeypatch.setattr(_ranks, "FIRST_COLUMNS", 5)
    assert np.array_equal(first_ranks(X, Y), plain[0])
    assert np.array_equal(first_ranks(X, Y, enough=90), plain[0])
    assert np.array_equal(first_ranks(X, Y, relevance), plain[1])
    assert np.array_equal(average_precisions(X, Y, relevance), plain[2])
