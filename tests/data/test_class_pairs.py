"""Pairs by class: partners of the class, drawn each epoch, never shared by two sides of a split."""

import pickle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from mibsk import ClassPairs, Modalities


def make_pairs(n_anchor=24, n_partner=40, n_classes=3, seed=0):
    """Every row of a modality is its row number; classes repeat along the rows."""
    return ClassPairs(
        {
            "audio": (np.arange(n_anchor), np.arange(n_anchor) % n_classes),
            "image": (np.arange(n_partner), np.arange(n_partner) % n_classes),
        },
        anchor="audio",
        random_state=seed,
    )


def test_rows_are_those_of_the_anchor():
    pairs = make_pairs()
    assert len(pairs) == 24
    assert pairs.shape == (24,)
    assert list(pairs) == ["audio", "image"]
    assert pairs["image"].shape == (40,)
    assert pairs.labels.tolist() == (np.arange(24) % 3).tolist()
    assert repr(pairs) == "ClassPairs(24 rows of 'audio'; partners ['image']; 3 classes)"


def test_the_anchor_is_the_longest_modality_by_default():
    pairs = ClassPairs({"a": (np.zeros(2), [0, 1]), "b": (np.zeros(4), [0, 1, 0, 1])})
    assert pairs.anchor == "b"


@settings(max_examples=30, deadline=None)
@given(
    n_anchor=st.integers(3, 30),
    n_partner=st.integers(3, 30),
    seed=st.integers(0, 1000),
    draw=st.integers(0, 1000),
)
def test_every_partner_is_of_the_class_of_its_anchor(n_anchor, n_partner, seed, draw):
    pairs = make_pairs(n_anchor, n_partner, seed=seed)
    drawn = pairs.draw(draw)
    assert isinstance(drawn, Modalities)
    assert drawn["audio"].tolist() == list(range(n_anchor))
    assert (drawn["image"] % 3).tolist() == (drawn["audio"] % 3).tolist()


@settings(max_examples=30, deadline=None)
@given(
    n_partner=st.integers(6, 40),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_disjoint_subsets_share_no_partner(n_partner, seed, data):
    pairs = make_pairs(24, n_partner, n_classes=1, seed=seed)
    owning = np.unique(pairs.pairing.owners["image"])
    order = data.draw(st.permutations(range(24)))
    cut = data.draw(st.integers(1, 23))
    sides = [np.array(order[:cut]), np.array(order[cut:])]
    assume(all(np.isin(side, owning).any() for side in sides))  # else refused, see below
    left, right = (pairs[side] for side in sides)
    assert not set(left.rows("image")) & set(right.rows("image"))
    assert set(left.rows("image")) | set(right.rows("image")) == set(range(n_partner))
    for side in (left, right):
        assert set(side.draw(seed)["image"]) <= set(side.rows("image"))


def test_partners_are_dealt_out_evenly():
    owners = make_pairs(24, 40, n_classes=1).pairing.owners["image"]
    counts = np.bincount(owners, minlength=24)
    assert counts.sum() == 40
    assert set(counts) == {1, 2}


def test_all_owned_partners_come_up():
    pairs = make_pairs(6, 12)
    seen = np.concatenate([pairs.draw(seed)["image"] for seed in range(60)])
    assert set(seen) == set(range(12))


def test_a_draw_depends_on_its_seed_alone():
    pairs = make_pairs()
    first = pairs.draw(3)["image"].tolist()
    np.random.default_rng().random()
    pairs.draw(4)
    assert pairs.draw(3)["image"].tolist() == first
    assert make_pairs().draw(3)["image"].tolist() == first
    assert pairs.draw(4)["image"].tolist() != first
    state = np.random.RandomState(3)
    assert pairs.draw(state)["image"].tolist() == first
    assert pairs.draw(state)["image"].tolist() != first


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    make_pairs(seed=0).draw(0)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_random_state_deals_the_partners():
    assert (
        make_pairs(seed=0)[:12].rows("image").tolist()
        != make_pairs(seed=1)[:12].rows("image").tolist()
    )


def test_a_subset_of_a_subset():
    pairs = make_pairs()
    part = pairs[6:18]
    inner = part[np.array([0, 1, 2, 5])]
    assert inner.draw(0)["audio"].tolist() == [6, 7, 8, 11]
    assert set(inner.rows("image")) <= set(part.rows("image"))
    assert inner.rows("image").tolist() == pairs[[6, 7, 8, 11]].rows("image").tolist()
    assert inner["image"] is pairs["image"]


@pytest.mark.parametrize("key", [slice(3, 9), np.arange(24) % 2 == 0, [0, 1, 2]])
def test_selects_by_slice_mask_and_list(key):
    expected = np.arange(24)[key]
    part = make_pairs()[key]
    assert part.draw(0)["audio"].tolist() == expected.tolist()
    assert part.labels.tolist() == (expected % 3).tolist()


def test_rows_are_sorted_and_unique():
    part = make_pairs()[[5, 3, 5, 1]]
    assert part.rows("audio").tolist() == [1, 3, 5]
    rows = part.rows("image")
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert len(part) == 4  # a bootstrap sample keeps its repeats


def test_no_rows_at_all():
    assert len(make_pairs()[:0].draw(0)) == 0


def test_rows_of_a_class_that_the_anchor_lacks_are_never_drawn():
    pairs = ClassPairs(
        {"a": (np.arange(4), [0, 2, 0, 2]), "b": (np.arange(8), [0, 1, 2, 3, 0, 1, 2, 3])},
        anchor="a",
        random_state=0,
    )
    assert pairs.rows("b").tolist() == [0, 2, 4, 6]


def test_three_modalities_and_string_labels():
    names = np.array(["cat", "dog"])
    pairs = ClassPairs(
        {
            "sound": (np.arange(6), names[np.arange(6) % 2]),
            "photo": (np.arange(10), names[np.arange(10) % 2]),
            "name": (["cat", "dog"] * 3, ["cat", "dog"] * 3),
        },
        anchor="sound",
        random_state=0,
    )
    drawn = pairs.draw(1)
    assert drawn["name"].tolist() == pairs.labels.tolist()
    assert names[drawn["photo"] % 2].tolist() == pairs.labels.tolist()


def test_works_in_the_tools_of_scikit_learn():
    pairs = make_pairs()
    train, test = train_test_split(pairs, test_size=6, stratify=pairs.labels, random_state=0)
    assert np.bincount(test.labels).tolist() == [2, 2, 2]
    assert len(train) == 18
    assert not set(train.rows("image")) & set(test.rows("image"))
    for splitter in (KFold(4), StratifiedKFold(4)):
        held = [pairs[side].rows("audio") for _, side in splitter.split(pairs, pairs.labels)]
        assert sorted(np.concatenate(held)) == list(range(24))


@pytest.mark.parametrize("seed", range(4))
def test_a_splitter_with_the_same_seed_leaves_partners_on_both_sides(seed):
    pairs = make_pairs(24, 12, n_classes=1, seed=seed)
    for side in train_test_split(pairs, test_size=12, random_state=seed):
        assert 0 < len(side.rows("image")) < 12


def test_compact_holds_only_the_rows_that_may_be_drawn():
    part = make_pairs()[[4, 9, 11, 3]]
    small = part.compact()
    assert small["audio"].tolist() == [3, 4, 9, 11]
    assert small["image"].tolist() == part.rows("image").tolist()
    assert small.labels.tolist() == [0, 1, 0, 2]
    drawn = small.draw(0)
    assert (drawn["image"] % 3).tolist() == small.labels.tolist()


def test_pickles():
    pairs = make_pairs()[3:9]
    other = pickle.loads(pickle.dumps(pairs))
    assert other.draw(0)["image"].tolist() == pairs.draw(0)["image"].tolist()


def test_pickles_without_names_of_rows_still_work():
    pairs = make_pairs()
    del pairs._index
    old = pickle.loads(pickle.dumps(pairs))
    assert old.index is old[3:9].index is None
    assert old[3:9].draw(0)["image"].tolist() == make_pairs()[3:9].draw(0)["image"].tolist()


def test_a_subset_that_owns_no_partner_of_a_class_is_refused():
    pairs = make_pairs(24, 3)  # one partner per class, so one owner
    owners = pairs.pairing.owners["image"]
    without = np.setdiff1d(np.arange(24), owners[:1])
    with pytest.raises(ValueError, match=r"1 class\(es\) of modality 'audio'.*split stratified"):
        pairs[without]


ROWS = (np.zeros((4, 2)), [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("modalities", "anchor", "error", "message"),
    [
        ({"a": ROWS}, None, ValueError, "at least two modalities"),
        ([ROWS, ROWS], None, ValueError, "needs a mapping"),
        ({"a": ROWS, "b": np.zeros((4, 2))}, None, TypeError, "'b' must be a tuple"),
        ({"a": ROWS, "b": (np.zeros(4),)}, None, TypeError, "'b' must be a tuple"),
        ({"a": ROWS, "b": (np.zeros(4), [0, 1])}, None, ValueError, r"4 rows but labels .*\(2,\)"),
        ({"a": ROWS, "b": (np.zeros(1), [[0, 0]])}, None, ValueError, "one label per row"),
        ({"a": ROWS, "b": (np.array(1.0), [0])}, None, ValueError, "got a single value"),
        ({"audio": ROWS, "b": ROWS}, "adio", ValueError, "Did you mean 'audio'"),
        ({"a": ROWS, "b": (np.zeros(2), [0, 0])}, "a", ValueError, "no partner rows .* 'b'"),
    ],
)
def test_refuses(modalities, anchor, error, message):
    with pytest.raises(error, match=message):
        ClassPairs(modalities, anchor=anchor)


def test_refuses_a_single_row():
    with pytest.raises(TypeError, match=r"use \[2:3\]"):
        make_pairs()[2]


def test_unknown_names_and_rows():
    with pytest.raises(KeyError, match="depth"):
        make_pairs()["depth"]
    with pytest.raises(IndexError, match="out of bounds"):
        make_pairs()[[24]]


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (
            [0, "a", 1.5, "b"],
            TypeError,
            "labels of modality .b. must be all numbers",
        ),
        (np.array(["2020-01-01"] * 4, "datetime64[D]"), TypeError, "must be numbers or strings"),
        ([0, 1, None, 1], ValueError, "are missing .first at row 2; 1 row"),
        ([0.0, 1.0, np.nan, 1.0], ValueError, "are missing .first at row 2; 1 row"),
        ([[0, 1], [1], [0], [1]], ValueError, "labels of b"),
        (["0", "1", "0", "1"], TypeError, "labels of all modalities must be of one type"),
        ([0, 1, 0], ValueError, r"modality 'b' has 4 rows but labels of shape \(3,\)"),
    ],
)
def test_bad_labels(labels, error, message):
    X = np.arange(8.0).reshape(4, 2)
    with pytest.raises(error, match=message):
        ClassPairs({"a": (X, [0, 1, 0, 1]), "b": (X, labels)})
