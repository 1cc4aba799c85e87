"""What several modalities share, by the sets of modalities that share it."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk import CanonicalBottleneck
from mibsk.datasets import fetch_mfeat
from mibsk.metrics import gaussian_mutual_information, information_by_subset
from mibsk.metrics.sharing import (
    by_subset,
    carriers,
    correlations_of,
    matched,
    multi_information,
    told_apart,
)

few = settings(max_examples=10, deadline=None)
seeds = st.integers(0, 2**31)
# the modalities that observe each factor, and the correlation of any two observations
FACTORS = [("abc", 0.8), ("abc", 0.5), ("ab", 0.7), ("ac", 0.7), ("bc", 0.7), ("ab", 0.4)]


def mixing(rng, p):
    """Return a random map (p, p) that stretches no direction more than 100 times another."""
    left, right = (np.linalg.qr(rng.standard_normal((p, p)))[0] for _ in range(2))
    return left * 10 ** rng.uniform(-1, 1, p) @ right


def made(rng, n, factors=FACTORS, names="abc", n_private=2):
    """Return modalities of shared factors and private columns, and the exact information."""
    columns, exact = {name: [] for name in names}, {}
    for carried, rho in factors:
        factor = rng.standard_normal(n)
        for name in carried:
            noise = rng.standard_normal(n)
            columns[name].append(np.sqrt(rho) * factor + np.sqrt(1 - rho) * noise)
        k = len(carried)
        nats = -0.5 * np.log((1 - rho) ** (k - 1) * (1 + (k - 1) * rho))
        exact[tuple(carried)] = exact.get(tuple(carried), 0.0) + nats
    found = {}
    for name, each in columns.items():
        X = np.column_stack([*each, rng.standard_normal((n, n_private))])
        found[name] = X @ mixing(rng, X.shape[1])
    return found, exact


@pytest.mark.parametrize("measure", ["metric", "estimator"])
def test_each_set_has_the_information_of_its_factors(measure):
    """Equal correlations of different pairs included, which MAXVAR alone does not tell apart."""
    inside = n_intervals = 0
    for seed in range(10):
        Z, exact = made(np.random.default_rng(seed), 3000)
        if measure == "metric":
            found = information_by_subset(Z)
        else:
            found = CanonicalBottleneck().fit(Z).information_by_subset_
        assert list(found) == [("a", "b", "c"), ("a", "b"), ("a", "c"), ("b", "c")]
        for subset, nats in found.items():
            assert nats.value == pytest.approx(exact[subset], abs=0.12)
            inside += nats.low <= exact[subset] <= nats.high
            n_intervals += 1
    assert inside >= 0.85 * n_intervals  # of 95 %


@few
@given(seeds)
def test_it_does_not_depend_on_linear_maps_and_order(seed):
    rng = np.random.default_rng(seed)
    Z, _ = made(rng, 1500)
    found = information_by_subset(Z)
    mixed = {n: 3 + X @ mixing(rng, X.shape[1]) for n, X in reversed(Z.items())}
    other = {tuple(sorted(names)): each for names, each in information_by_subset(mixed).items()}
    assert found.keys() == other.keys()
    for names, nats in found.items():
        assert other[names].value == pytest.approx(nats.value, rel=0.05, abs=0.01)


def test_four_modalities():
    factors = [("abcd", 0.6), ("abc", 0.6), ("cd", 0.6), ("ab", 0.6)]
    Z, exact = made(np.random.default_rng(0), 5000, factors, "abcd")
    found = information_by_subset(Z)
    assert found.keys() == exact.keys()
    for names, nats in found.items():
        assert nats.value == pytest.approx(exact[names], abs=0.08)


def test_of_two_it_is_their_mutual_information():
    Z, _ = made(np.random.default_rng(0), 5000, [("ab", 0.8), ("ab", 0.3)], "ab")
    [(names, nats)] = information_by_subset(Z).items()
    assert names == ("a", "b")
    whole = gaussian_mutual_information(Z["a"], Z["b"])
    assert nats.value == pytest.approx(whole, abs=0.02)
    assert nats.low < whole < nats.high


def test_nothing_shared():
    rng = np.random.default_rng(0)
    assert information_by_subset({n: rng.standard_normal((500, 5)) for n in "abc"}) == {}


def test_tensors_and_frames():
    Z, _ = made(np.random.default_rng(0), 600)
    expected = information_by_subset(Z)
    other = {"a": torch.tensor(Z["a"]), "b": pd.DataFrame(Z["b"]), "c": Z["c"].tolist()}
    assert information_by_subset(other) == expected


X = np.random.default_rng(0).standard_normal((60, 2))


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ([X, X], TypeError, "must map names of modalities to arrays, got list"),
        ({"a": X}, ValueError, r"at least two representations, got \['a'\]"),
        ({"a": X, "b": X[:50]}, ValueError, "got 60 rows of 'a' and 50 of 'b'"),
        ({"a": X, "b": np.ones((60, 2))}, ValueError, "all 60 rows of"),
        ({"a": X, "b": np.full((60, 2), np.nan)}, ValueError, "b has NaN"),
        ({"a": X[:9], "b": X[:9]}, ValueError, "9 rows are too few for 4 columns.*at least 10"),
    ],
)
def test_bad_input(given, error, match):
    with pytest.raises(error, match=match):
        information_by_subset(given)


def test_bad_parameters():
    with pytest.raises(ValueError, match="level must be"):
        information_by_subset({"a": X, "b": X}, level=1.5)
    with pytest.raises(ValueError, match="n_components must be"):
        information_by_subset({"a": X, "b": X}, n_components=0)


def test_real_data():
    """Karhunen-Loève coefficients are linear in pixels; morphology has six columns of its own."""
    data = fetch_mfeat().data
    chosen = {name: data[name] for name in ("pix", "kar", "mor")}
    bottleneck = CanonicalBottleneck().fit(chosen)
    found = bottleneck.information_by_subset_
    assert found[("pix", "kar")].value > 5 * found[("pix", "kar", "mor")].value > 0
    for name, shares in bottleneck.variance_by_subset_.items():
        assert sum(shares.values()) == pytest.approx(1)
        assert (name,) in shares
    assert bottleneck.variance_by_subset_["kar"][("kar",)] < 0.2


class TestDirections:
    def test_a_mixture_of_pairs_is_told_apart(self):
        rng = np.random.default_rng(0)
        R = np.zeros((9, 9))
        for i, (m, k) in enumerate([(0, 1), (0, 2), (1, 2)]):
            R[3 * m + i, 3 * k + i] = R[3 * k + i, 3 * m + i] = 0.6
        R += np.eye(9)
        parts = [slice(0, 3), slice(3, 6), slice(6, 9)]
        mixed = [np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in range(3)]
        maps = told_apart(R, parts, mixed)
        found = correlations_of(R, parts, maps)
        strongest = np.sort(np.abs(found - np.eye(3)).reshape(3, -1), axis=1)[:, ::-1]
        np.testing.assert_allclose(strongest[:, 0], 0.6, atol=1e-3)
        np.testing.assert_allclose(strongest[:, 2], 0, atol=1e-2)
        for A, part in zip(maps, parts, strict=True):
            np.testing.assert_allclose(A.T @ R[part, part] @ A, np.eye(3), atol=1e-9)

    @few
    @given(seeds)
    def test_directions_are_matched(self, seed):
        rng = np.random.default_rng(seed)
        S = np.cov(rng.standard_normal((6, 300)))
        parts = [slice(0, 3), slice(3, 6)]
        maps = told_apart(S, parts, [np.eye(3), np.eye(3)])
        order = rng.permutation(3)
        found = matched([A[:, order] for A in maps], maps, S, parts)
        for A, B in zip(found, maps, strict=True):
            np.testing.assert_array_equal(A, B)

    def test_who_carries_a_direction(self):
        R = np.array(
            [
                [[1, 0.9, 0.8], [0.9, 1, 0.7], [0.8, 0.7, 1]],
                [[1, 0.9, 0.0], [0.9, 1, 0.8], [0.0, 0.8, 1]],  # all, by way of the second
                [[1, 0.0, 0.0], [0.0, 1, 0.5], [0.0, 0.5, 1]],
                [[1, 0.9, 0.05], [0.9, 1, 0.05], [0.05, 0.05, 1]],  # too little of the third
                [[1, 0.02, -0.3], [0.02, 1, 0.02], [-0.3, 0.02, 1]],
            ]
        )
        sets = carriers(R, 10_000.0, 1.0, 0.95)
        same = [[row[0] == row[1], row[0] == row[2], row[1] == row[2]] for row in sets]
        assert same == [[1, 1, 1], [1, 1, 1], [0, 0, 1], [1, 0, 0], [0, 0, 0]]
        found = by_subset("abc", R[:4], sets[:4], 10_000.0, 1.0, 0.95)
        assert list(found) == [("a", "b", "c"), ("a", "b"), ("b", "c")]
        assert found[("b", "c")].value == pytest.approx(-0.5 * np.log(1 - 0.25))
        assert found[("a", "b", "c")].value == pytest.approx(multi_information(R[:2]).sum())
        half = 1.96 * 0.5 / 100  # of sqrt(rho^2 / n)
        assert found[("b", "c")].high - found[("b", "c")].value == pytest.approx(half, rel=1e-3)

    def test_few_rows_show_nothing(self):
        R = np.array([[[1, 0.3], [0.3, 1]]])
        assert len(np.unique(carriers(R, 20.0, 1.0, 0.95))) == 2
        assert len(np.unique(carriers(R, 200.0, 1.0, 0.95))) == 1
