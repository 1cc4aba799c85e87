"""Which rows belong together."""

import numpy as np
import pytest

from mibsk.data._pairing import ClassPairing, FixedPairing


def test_fixed_pairs_stay_together_and_draw_nothing():
    rng = np.random.default_rng(0)
    state = rng.bit_generator.state
    pairing = FixedPairing(["a", "b"], np.array([4, 2, 9]))
    drawn = pairing.draw(rng)
    assert {name: rows.tolist() for name, rows in drawn.items()} == {"a": [4, 2, 9], "b": [4, 2, 9]}
    assert rng.bit_generator.state == state
    part = pairing.subset(np.array([2, 0]))
    assert part.n_rows == 2
    assert part.draw(rng)["b"].tolist() == [9, 4]


@pytest.fixture
def pairing():
    """Four anchors of two classes; the partners 0..3 are owned by anchors 0, 1, 2, 3."""
    codes = np.array([0, 1, 0, 1])
    return ClassPairing("a", np.arange(4), codes, {"b": np.arange(4)}, {"b": codes})


def test_class_pairs_are_drawn_each_epoch(pairing):
    rng = np.random.default_rng(0)
    draws = [tuple(pairing.draw(rng)["b"].tolist()) for _ in range(40)]
    assert {rows[0] for rows in draws} == {0, 2}
    assert {rows[1] for rows in draws} == {1, 3}
    assert len(set(draws)) > 4


def test_a_subset_draws_from_what_it_owns(pairing):
    part = pairing.subset(np.array([3, 0]))
    for seed in range(5):
        drawn = part.draw(np.random.default_rng(seed))
        assert drawn["a"].tolist() == [3, 0]
        assert drawn["b"].tolist() == [3, 0]


def test_uniform_over_the_pool():
    codes = np.zeros(3, int)
    pairing = ClassPairing(
        "a", np.arange(3), codes, {"b": np.arange(5) % 3}, {"b": np.zeros(5, int)}
    )
    rng = np.random.default_rng(0)
    counts = np.bincount(np.concatenate([pairing.draw(rng)["b"] for _ in range(1000)]), minlength=5)
    # 3,000 draws from 5: mean 600, standard deviation 22
    assert (np.abs(counts - 600) < 110).all()
