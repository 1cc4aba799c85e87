"""Batches that keep rows of one group apart."""

from itertools import chain

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk import ClassPairs
from mibsk.data import Batches, FixedPairing, tensor_source

CPU = torch.device("cpu")


def batches_of(groups, batch_size, seed, first_epoch=0):
    """Return batches of rows that hold their number, kept apart by group."""
    n = len(groups)
    X = np.arange(n, dtype=np.float32)[:, None]
    pairing = FixedPairing(["a", "b"], np.arange(n), groups, apart=groups)
    return Batches(tensor_source({"a": X, "b": X}, CPU, pairing), batch_size, seed, first_epoch)


def rows_of(batches):
    """Return the row numbers, batch by batch."""
    return [batch["a"].ravel().int().tolist() for batch in batches]


@settings(max_examples=200, deadline=None)
@given(
    groups=st.lists(st.integers(0, 30), min_size=1, max_size=150),
    batch_size=st.one_of(st.just(-1), st.integers(2, 40)),
    seed=st.integers(0, 2**31 - 1),
)
def test_rows_of_a_group_are_apart_where_possible(groups, batch_size, seed):
    groups = np.array(groups)
    batches = batches_of(groups, batch_size, seed)
    epoch = rows_of(batches)
    assert len(epoch) == len(batches)
    assert sorted(chain(*epoch)) == list(range(len(groups)))
    sizes = [len(rows) for rows in epoch]
    assert max(sizes) - min(sizes) <= 1
    assert sorted(sizes) == sorted(len(rows) for rows in rows_of(plain(groups, batch_size)))
    counts = np.bincount(groups)
    for rows in epoch:
        together = np.bincount(groups[rows], minlength=len(counts))
        assert (together <= -(-counts // len(epoch))).all()  # one, if the group fits the batches
    again = batches_of(groups, batch_size, seed)
    assert rows_of(again) == epoch
    following = rows_of(batches)
    assert rows_of(batches_of(groups, batch_size, seed, first_epoch=1)) == following


def plain(groups, batch_size):
    """Return batches of as many rows without groups."""
    X = np.arange(len(groups), dtype=np.float32)[:, None]
    return Batches(tensor_source({"a": X, "b": X}, CPU), batch_size, 0)


def test_epochs_and_seeds_differ():
    batches = batches_of(np.arange(60) // 3, 10, seed=0)
    first, second = rows_of(batches), rows_of(batches)
    assert first != second
    assert rows_of(batches_of(np.arange(60) // 3, 10, seed=1)) != first


def test_every_pair_of_other_groups_can_meet():
    """Over many epochs, rows of different groups are in one batch about equally often."""
    groups = np.arange(24) // 3
    met = np.zeros((24, 24))
    batches = batches_of(groups, 8, seed=0)
    for _ in range(1500):
        for rows in rows_of(batches):
            met[np.ix_(rows, rows)] += 1
    other = groups[:, None] != groups[None, :]
    assert met[~other].sum() == 24 * 1500  # each row with itself
    # 7 others in a batch, among 21 rows of other groups
    np.testing.assert_allclose(met[other] / 1500, 7 / 21, rtol=0.15)


def test_groups_travel_with_their_rows_and_subsets():
    groups = np.arange(12) // 3
    source = batches_of(groups, 4, seed=0).source
    half = source.with_pairing(source.pairing.subset(np.arange(0, 12, 2)))
    for each in (source, half):
        for batch in Batches(each, 4, seed=0):
            assert batch.groups.tolist() == (batch["a"][:, 0] // 3).int().tolist()


def test_validation_keeps_its_order():
    assert list(chain(*rows_of(batches_of(np.arange(10) // 2, 4, seed=None)))) == list(range(10))


def test_pairs_by_class():
    labels, X = np.arange(40) % 20, np.arange(40, dtype=np.float32)[:, None]
    pairs = ClassPairs({"a": (X, labels), "b": (X, labels)}, anchor="a", random_state=0)
    pairing = pairs.pairing.with_groups(None, pairs.pairing.codes)
    assert pairs.pairing.apart is None
    for part in (pairing, pairing.subset(np.flatnonzero(labels < 10))):
        for batch in Batches(tensor_source({"a": X, "b": X}, CPU, part), 4, seed=0):
            classes = batch["a"].ravel().int() % 20
            assert len(set(classes.tolist())) == len(classes)
            assert torch.equal(batch["b"].ravel().int() % 20, classes)
            assert batch.groups is None
