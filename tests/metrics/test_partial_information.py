"""Redundant, unique and synergistic information of two representations about a label."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.metrics import Bootstrap, Estimate, partial_information
from mibsk.metrics.sharing._union_information import mutual_information_of, union_information

BIT = np.log(2)
N = 1600


@pytest.fixture(scope="module")
def bits():
    return np.random.default_rng(0).integers(2, size=(N, 3))


def noisy(bits, *columns, seed=0):
    """Return some of the bits, which a threshold reads nearly without error."""
    noise = np.random.default_rng(seed).standard_normal((len(bits), len(columns)))
    return bits[:, list(columns)] + 0.15 * noise


# what X and Y observe, the label, and the parts in bits: those of the exact decomposition
CASES = {
    "copies": ((0,), (0,), lambda b: b[:, 0], (1, 0, 0, 0)),
    "unique": ((0,), (1,), lambda b: b[:, 0] + 2 * b[:, 1], (0, 1, 1, 0)),
    "of one": ((0,), (1,), lambda b: b[:, 0], (0, 1, 0, 0)),
    "xor": ((0,), (1,), lambda b: b[:, 0] ^ b[:, 1], (0, 0, 0, 1)),
    "and": ((0,), (1,), lambda b: b[:, 0] & b[:, 1], (0.311, 0, 0, 0.5)),
    "all": ((0, 1), (0, 2), lambda b: b @ [4, 2, 1], (1, 1, 1, 0)),
}


@pytest.mark.parametrize("case", CASES)
def test_of_bits(bits, case):
    x, y, label, parts = CASES[case]
    found = partial_information(noisy(bits, *x), noisy(bits, *y, seed=1), label(bits))
    np.testing.assert_allclose(found[:4], np.multiply(parts, BIT), atol=0.06)
    assert found.total == pytest.approx(sum(found[:4]))


def test_intervals(bits):
    X, Y = noisy(bits, 0), noisy(bits, 1, seed=1)
    found = partial_information(X, Y, bits[:, 0] & bits[:, 1], ci=Bootstrap(n_resamples=30))
    assert all(isinstance(each, Estimate) for each in found)
    assert found.synergistic.low < 0.5 * BIT < found.synergistic.high + 0.04
    assert found.unique_x.low < 0.01
    assert 0 <= found.redundant.low < found.redundant.value < found.redundant.high
    again = partial_information(X, Y, bits[:, 0] & bits[:, 1])
    assert [float(each) for each in found] == list(again)


def test_exchanging_the_sides(bits):
    X, Y = noisy(bits, 0, 1), noisy(bits, 0, 2, seed=1)
    one, other = (partial_information(*sides, bits @ [4, 2, 1]) for sides in ((X, Y), (Y, X)))
    assert one.unique_x == pytest.approx(other.unique_y, abs=0.02)
    assert one.redundant == pytest.approx(other.redundant, abs=0.02)


def test_groups_are_held_out_together():
    """Voices of speakers that both sides know say nothing of the traits of other speakers."""
    rng = np.random.default_rng(0)
    speaker = np.repeat(np.arange(40), 20)
    trait = rng.permutation(np.arange(40) % 2)[speaker]
    voice = rng.standard_normal((40, 30))[speaker]
    X, Y = (voice + 0.1 * rng.standard_normal(voice.shape) for _ in range(2))
    assert partial_information(X, Y, trait, probe="linear").redundant > 0.4
    found = partial_information(X, Y, trait, probe="linear", groups=speaker, ci=0.9)
    assert found.redundant.value < 0.2


def test_names_of_classes(bits):
    X, Y = noisy(bits, 0), noisy(bits, 0, seed=1)
    expected = partial_information(X, Y, bits[:, 0])
    names = np.array(["no", "yes"])[bits[:, 0]]
    assert partial_information(pd.DataFrame(X), Y.tolist(), names) == expected


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"Y": np.ones((50, 1))}, ValueError, "row i of X must be the partner"),
        ({"labels": np.zeros(N)}, ValueError, "constant"),
        ({"labels": np.linspace(0, 1, N)}, ValueError, "must be classes, got real numbers"),
        ({"labels": np.zeros(5)}, ValueError, "labels"),
        ({"probe": "tree"}, ValueError, "probe must be one of"),
        ({"test_size": 1.5}, ValueError, "test_size must be"),
        ({"ci": 2.0}, ValueError, "ci"),
    ],
)
def test_bad_input(bits, change, error, match):
    given = {"X": noisy(bits, 0), "Y": noisy(bits, 1), "labels": bits[:, 0], **change}
    with pytest.raises(error, match=match):
        partial_information(**given)


class TestUnionInformation:
    def tables(self, joint):
        """Return p(l, x) and p(l, y) of a joint distribution (l, x, y)."""
        return joint.sum(axis=2), joint.sum(axis=1)

    @pytest.mark.parametrize(
        ("label", "bits"),
        [(lambda x, y: x ^ y, 0), (lambda x, y: x & y, 0.3112781), (lambda x, y: x + 2 * y, 2)],
    )
    def test_published_values(self, label, bits):
        """Those of Bertschinger et al. (2014), for independent bits."""
        joint = np.zeros((4, 2, 2))
        for x, y in product(range(2), repeat=2):
            joint[label(x, y), x, y] += 0.25
        joint = joint[joint.sum(axis=(1, 2)) > 0]
        assert union_information(*self.tables(joint)) == pytest.approx(bits * BIT, abs=1e-4)

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**31))
    def test_it_is_between_the_bounds(self, seed):
        rng = np.random.default_rng(seed)
        shape = tuple(rng.integers(2, 5, size=3))
        joint = rng.dirichlet(np.full(np.prod(shape), 0.3)).reshape(shape) + 1e-9
        joint /= joint.sum()
        of_x, of_y = self.tables(joint)
        alone = mutual_information_of(of_x), mutual_information_of(of_y)
        found = union_information(of_x, of_y)
        assert max(alone) - 1e-9 <= found <= sum(alone) + 1e-9
        assert found <= mutual_information_of(joint.reshape(shape[0], -1)) + 1e-3

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 2**31))
    def test_a_garbled_copy_has_nothing_unique(self, seed):
        """Blackwell: if Y is X through a noisy channel, the union is what X has."""
        rng = np.random.default_rng(seed)
        of_x = rng.dirichlet(np.ones(12)).reshape(3, 4)
        of_y = of_x @ rng.dirichlet(np.ones(3), size=4)
        expected = mutual_information_of(of_x)
        assert union_information(of_x, of_y) == pytest.approx(expected, abs=5e-3)
