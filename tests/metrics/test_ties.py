"""Equally near neighbours are no agreement: means over all ways to break ties, and their laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ortho_group

from mibsk._checks import blocks
from mibsk.metrics import (
    Bootstrap,
    alignment_report,
    cknna,
    compare,
    cycle_knn,
    edit_distance_knn,
    lcs_knn,
    mutual_knn,
    permutation_test,
)
from mibsk.metrics.neighbours import _overlap, _ties
from mibsk.metrics.neighbours._edit_distance_knn import edit_similarity
from mibsk.metrics.neighbours._lcs_knn import common_subsequence
from mibsk.metrics.neighbours._memberships import Memberships
from mibsk.metrics.neighbours._nearest import nearest_neighbours
from mibsk.metrics.neighbours._ties import TiedSearch, matches

from .draws import few, related, seeds

OVERLAPS = [mutual_knn, cycle_knn, lcs_knn, edit_distance_knn]
METRICS = [*OVERLAPS, cknna]


def products(X):
    S = np.einsum("id,jd->ij", *2 * [np.asarray(X, float)])
    np.fill_diagonal(S, -np.inf)
    return S


def break_ties(X, k, rng):
    """Return k nearest neighbours, (n, k), with equally near ones in random order."""
    S = products(X)
    return np.lexsort((rng.random(S.shape), -S), axis=1)[:, :k]


def codes(rng, n, n_codes=2, d=5):
    """Return rows that are one of a few vectors of unit norm: (n, d)."""
    vectors = rng.standard_normal((n_codes, d))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors[rng.integers(0, n_codes, n)]


def draw_tied(seed, n):
    """Return two related representations with few values each."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-1, 2, (n, 2)).astype(float)
    Y = np.where(rng.random((n, 2)) < 0.7, X, rng.integers(-1, 2, (n, 2)))
    return X, Y


def textbook_chances(X, k):
    """Return the probability of j to be among the k nearest of i: (n, n)."""
    chances = np.zeros((len(X), len(X)))
    for i, row in enumerate(products(X)):
        kth = np.sort(row)[-k]
        chances[i, row > kth] = 1
        chances[i, row == kth] = (k - (row > kth).sum()) / (row == kth).sum()
    return chances


def textbook_matches(X, Y, k):
    """Return for each row how probably places of the two lists hold the same row: (n, k, k)."""
    found = np.zeros((len(X), k, k))
    for i, pair in enumerate(zip(products(X), products(Y), strict=True)):
        groups = [[set(np.flatnonzero(row == v)) for v in np.sort(row)[::-1][:k]] for row in pair]
        for a, G in enumerate(groups[0]):
            for b, H in enumerate(groups[1]):
                found[i, a, b] = len(G & H) / (len(G) * len(H))
    return found


def means_over_ties(of_lists, X, Y, k, n_draws=300):
    """Return the mean over random ways to break ties, and its standard error."""
    rng = np.random.default_rng(0)
    values = [
        np.mean(of_lists(break_ties(X, k, rng), break_ties(Y, k, rng))) for _ in range(n_draws)
    ]
    return np.mean(values), np.std(values) / np.sqrt(n_draws)


@few
@given(seeds, st.integers(4, 30), st.data())
def test_mutual_knn_is_the_mean_over_ties(seed, n, data):
    k = data.draw(st.integers(1, n - 1))
    X, Y = draw_tied(seed, n)
    expected = (textbook_chances(X, k) * textbook_chances(Y, k)).sum(axis=1) / k
    assert mutual_knn(X, Y, k=k) == pytest.approx(expected.mean())


@pytest.mark.parametrize(("seed", "n", "k"), [(0, 12, 3), (1, 20, 7), (2, 9, 8), (3, 15, 1)])
def test_random_ties_agree(seed, n, k):
    X, Y = draw_tied(seed, n)
    of_lists = {
        mutual_knn: lambda x, y: [len({*a} & {*b}) / k for a, b in zip(x, y, strict=True)],
        cycle_knn: lambda x, y: [any(i in x[j] for j in y[i]) for i in range(n)],
    }
    for metric, lists in of_lists.items():
        mean, error = means_over_ties(lists, X, Y, k)
        assert metric(X, Y, k=k) == pytest.approx(mean, abs=4 * error + 1e-12)
    for metric, lists in ((lcs_knn, common_subsequence), (edit_distance_knn, edit_similarity)):
        mean, error = means_over_ties(lists, X, Y, k)
        assert metric(X, Y, k=k) <= mean + 4 * error + 1e-12  # the best of means, not their mean


@few
@given(seeds, st.integers(4, 20), st.data())
def test_places_match_as_probably_as_they_hold_the_same_row(seed, n, data):
    k = data.draw(st.integers(1, min(6, n - 1)))
    X, Y = draw_tied(seed, n)
    rows = np.arange(n)
    expected = textbook_matches(X, Y, k)
    found = matches(TiedSearch(X, k)(rows), TiedSearch(Y, k)(rows))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    lengths, costs = [], []
    for m in expected:
        length, cost = np.zeros((2, k + 1, k + 1))
        cost[:, 0] = cost[0] = np.arange(k + 1)
        for a in range(k):
            for b in range(k):
                length[a + 1, b + 1] = max(
                    length[a, b] + m[a, b], length[a, b + 1], length[a + 1, b]
                )
                cost[a + 1, b + 1] = min(
                    cost[a, b] + 1 - m[a, b], cost[a, b + 1] + 1, cost[a + 1, b] + 1
                )
        lengths.append(length[-1, -1])
        costs.append(cost[-1, -1])
    assert lcs_knn(X, Y, k=k) == pytest.approx(np.mean(lengths))
    assert edit_distance_knn(X, Y, k=k) == pytest.approx(1 - np.mean(costs) / k)


@few
@given(seeds, st.integers(8, 25), st.integers(2, 7))
def test_cknna_has_the_mean_masks(seed, n, k):
    def hsic(K, L):
        one = np.ones(n)
        mean = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
        return np.trace(K @ L) + mean - 2 / (n - 2) * (one @ K @ L @ one)

    X, Y = draw_tied(seed, n)
    p, q = textbook_chances(X, k), textbook_chances(Y, k)
    np.testing.assert_allclose(Memberships(X, k).tile(np.arange(n))[1], p)
    np.testing.assert_allclose(Memberships(X, k).tile(np.arange(n))[2], p.T)
    K, L = X @ X.T, Y @ Y.T
    own = hsic(p * K, p * K) * hsic(q * L, q * L)
    if min(hsic(p * K, p * K), hsic(q * L, q * L)) < 1e-6:
        return
    expected = hsic(p * q * K, p * q * L) / np.sqrt(own)
    assert cknna(X, Y, k=k) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
@few
@given(seeds)
def test_the_order_of_rows_does_not_matter(metric, seed):
    rng = np.random.default_rng(seed)
    X, Y = codes(rng, 40, n_codes=3), draw_tied(seed, 40)[1]
    order = rng.permutation(40)
    assert metric(X[order], Y[order], k=4) == pytest.approx(metric(X, Y, k=4), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_rounding_breaks_no_ties(metric):
    """A rotation keeps inner products, up to the last bits."""
    X, Y = np.random.default_rng(0).integers(0, 2, (120, 6)), related(0, n=120)[0]
    rotated = X @ ortho_group.rvs(6, random_state=0)
    assert len(np.unique(rotated @ rotated.T)) > 10 * len(np.unique(X @ X.T))
    assert metric(rotated, Y, k=4) == pytest.approx(metric(X, Y, k=4), rel=1e-9)


def test_independent_codes_are_at_chance_level():
    rng = np.random.default_rng(0)
    n, k = 400, 10
    X, Y = codes(rng, n), codes(rng, n, d=7)
    chance = k / (n - 1)
    assert nearest_neighbours(X, k).tied.all()
    assert mutual_knn(X, Y, k=k) == pytest.approx(chance, rel=0.05)
    assert lcs_knn(X, Y, k=k) == pytest.approx(chance, rel=0.05)
    assert edit_distance_knn(X, Y, k=k) == pytest.approx(1 / (n - 1), rel=0.05)
    assert cycle_knn(X, Y, k=k) < 0.5
    assert abs(cknna(X, Y, k=k)) < 0.05
    report = alignment_report({"x": X, "y": codes(rng, n)}, k=k)
    assert report["mutual_knn"] == pytest.approx(chance, rel=0.05)


def test_constant_rows_agree_by_chance_alone():
    n, k = 60, 7
    constant, X = np.full((n, 3), 0.1), related(0, n=n)[0]
    chance = k / (n - 1)
    for other in (constant, np.zeros((n, 2)), X):
        assert mutual_knn(constant, other, k=k) == pytest.approx(chance)
        assert lcs_knn(constant, other, k=k) == pytest.approx(chance)
        assert edit_distance_knn(constant, other, k=k) == pytest.approx(1 / (n - 1))
        assert cycle_knn(constant, other, k=k) == pytest.approx(1 - (1 - chance) ** k)
        with pytest.raises(ValueError, match="CKNNA is undefined"):
            cknna(constant, other, k=k)


@pytest.mark.parametrize("metric", METRICS)
def test_p_values_are_uniform_for_independent_codes(metric):
    p_values = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X, Y = codes(rng, 30, n_codes=3), codes(rng, 30, n_codes=3)
        p_values.append(permutation_test(metric, X, Y, n_permutations=39, k=4).p_value)
    # equal values count as extreme, so p may only be too large
    assert 0.42 < np.mean(p_values) < 0.65
    n_small = np.count_nonzero(np.array(p_values) <= 0.1)
    assert binomtest(n_small, 100, 0.1, alternative="greater").pvalue > 0.01


@pytest.mark.parametrize("metric", METRICS)
def test_equal_codes_are_told_from_chance(metric):
    X = codes(np.random.default_rng(0), 60, n_codes=4)
    assert permutation_test(metric, X, X, n_permutations=39, k=5).p_value == 1 / 40


@pytest.mark.parametrize("metric", OVERLAPS)
def test_permutations_equal_computing_anew(metric, monkeypatch):
    X, Y = draw_tied(0, 40)
    for pair in ((X, Y), (X, related(0, n=40)[0]), (related(0, n=40)[0], Y)):
        found = permutation_test(metric, *pair, n_permutations=5, k=4)
        with monkeypatch.context() as patch:
            patch.setattr(_ties, "KEPT_AT_MOST", 0)
            searched = permutation_test(metric, *pair, n_permutations=5, k=4)
        np.testing.assert_allclose(found.null, searched.null, rtol=1e-12)
        assert found.value == metric(*pair, k=4)


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_equal_computing_anew(metric, monkeypatch):
    X = np.repeat(related(0, n=100)[0], 2, axis=0)
    Y = related(1, n=200)[1]
    chosen = Bootstrap(n_resamples=20)
    found = metric(X, Y, k=3, ci=chosen)
    assert found.low < found.value < found.high
    for module, name in ((_overlap, "_LONGEST"), (_ties, "KEPT_AT_MOST")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, 0)
            searched = metric(X, Y, k=3, ci=chosen)
        np.testing.assert_allclose(found.replicates, searched.replicates, rtol=1e-10)
    assert compare(metric, (X, Y), (X, Y), ci=chosen, k=3).difference == 0


@pytest.mark.parametrize("metric", METRICS)
def test_tiles_and_an_accelerator_change_nothing(metric, monkeypatch, accelerated):
    X, Y = draw_tied(0, 90)
    value = metric(X, Y, k=5)
    tested = permutation_test(metric, X, Y, n_permutations=2, k=5).null
    assert metric(accelerated(X), accelerated(Y), k=5) == pytest.approx(value, rel=1e-9)
    for module in (blocks, _overlap):
        monkeypatch.setattr(module, "TILE_SIZE", 700)
    assert metric(X, Y, k=5) == pytest.approx(value, rel=1e-12)
    again = permutation_test(metric, X, Y, n_permutations=2, k=5).null
    np.testing.assert_allclose(again, tested, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_continuous_data_have_no_ties(dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1500, 256)).astype(dtype)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    assert not nearest_neighbours(X, 20).tied.any()
    X[7] = X[3]
    assert nearest_neighbours(X, 20).tied[[3, 7]].tolist() == [False, False]  # each other's only
    near, tied = nearest_neighbours(X, 20)
    assert tied.sum() == np.count_nonzero((near == 3).any(axis=1) | (near == 7).any(axis=1)) - 2
