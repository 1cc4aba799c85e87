"""Batches: every row once, even sizes, an order that seed and epoch fix."""

from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk import ClassPairs
from mibsk.data import Batches, FixedPairing, tensor_source

CPU = torch.device("cpu")


def row_source(n):
    """Both modalities hold their row number."""
    X = np.arange(n, dtype=np.float32)[:, None]
    return tensor_source({"a": X, "b": X.copy()}, CPU)


def rows_of(batches, name="a"):
    """Row numbers, batch by batch."""
    return [batch[name].ravel().int().tolist() for batch in batches]


@settings(max_examples=80, deadline=None)
@given(
    n=st.integers(1, 200),
    batch_size=st.one_of(st.just(-1), st.integers(2, 220)),
    seed=st.one_of(st.none(), st.integers(0, 2**31 - 1)),
)
def test_every_row_once_in_batches_of_even_size(n, batch_size, seed):
    batches = Batches(row_source(n), batch_size, seed)
    epoch = rows_of(batches)
    assert len(epoch) == len(batches)
    assert sorted(chain(*epoch)) == list(range(n))
    sizes = [len(rows) for rows in epoch]
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 2 or n == 1
    if batch_size == -1:
        assert sizes == [n]
    elif batch_size > 2 or n % 2 == 0:
        assert max(sizes) <= batch_size
        assert len(sizes) == -(-n // batch_size)


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [
        (10, 4, [3, 3, 4]),
        (8, 4, [4, 4]),
        (9, 8, [4, 5]),
        (3, 8, [3]),
        (1, 4, [1]),
        (5, 2, [2, 3]),
        (3, 2, [3]),
    ],
)
def test_sizes(n, batch_size, sizes):
    assert [len(rows) for rows in rows_of(Batches(row_source(n), batch_size, 0))] == sizes


def test_pairs_stay_together():
    for batch in Batches(row_source(30), 7, seed=3):
        assert torch.equal(batch["a"], batch["b"])


def test_the_order_follows_from_seed_and_epoch():
    first, second = Batches(row_source(30), 7, seed=3), Batches(row_source(30), 7, seed=3)
    epochs = [rows_of(first) for _ in range(3)]
    np.random.default_rng().random()
    torch.rand(1)
    assert [rows_of(second) for _ in range(3)] == epochs
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert rows_of(Batches(row_source(30), 7, seed=4)) != epochs[0]


@pytest.mark.parametrize("done", [1, 2])
def test_training_continues_where_it_stopped(done):
    whole = Batches(row_source(30), 7, seed=3)
    epochs = [rows_of(whole) for _ in range(3)]
    resumed = Batches(row_source(30), 7, seed=3, first_epoch=done)
    assert [rows_of(resumed) for _ in range(3 - done)] == epochs[done:]


def test_an_epoch_that_is_left_early_counts():
    stopped, whole = (Batches(row_source(30), 7, seed=3) for _ in range(2))
    next(iter(stopped))
    rows_of(whole)
    assert rows_of(stopped) == rows_of(whole)


def test_global_generators_are_left_alone():
    numpy_state = np.random.get_state()[1].tolist()  # noqa: NPY002
    torch_state = torch.get_rng_state()
    rows_of(Batches(row_source(30), 7, seed=3))
    assert np.random.get_state()[1].tolist() == numpy_state  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_validation_keeps_its_order():
    batches = Batches(row_source(10), 4, seed=None)
    for _ in range(2):
        assert list(chain(*rows_of(batches))) == list(range(10))


class TestClassPairs:
    @pytest.fixture
    def source(self):
        X = np.arange(40, dtype=np.float32)[:, None]
        labels = np.arange(40) % 4
        pairs = ClassPairs({"a": (X[:20], labels[:20]), "b": (X, labels)}, anchor="a")
        return tensor_source({"a": X[:20], "b": X.copy()}, CPU, pairs.pairing)

    def test_partners_are_of_the_class_and_drawn_each_epoch(self, source):
        batches = Batches(source, 8, seed=0)
        partners = []
        for _ in range(3):
            epoch = [torch.cat([batch["a"], batch["b"]], 1).int() for batch in batches]
            joined = torch.cat(epoch)
            assert torch.equal(joined[:, 0] % 4, joined[:, 1] % 4)
            assert sorted(joined[:, 0].tolist()) == list(range(20))
            partners.append(dict(joined.tolist()))
        assert partners[0] != partners[1] != partners[2] != partners[0]

    def test_the_draw_follows_from_seed_and_epoch(self, source):
        whole = Batches(source, 8, seed=0)
        rows_of(whole, "b")
        resumed = Batches(source, 8, seed=0, first_epoch=1)
        assert rows_of(whole, "b") == rows_of(resumed, "b")

    def test_validation_draws_once(self, source):
        batches = Batches(source, 8, seed=None)
        assert rows_of(batches, "b") == rows_of(batches, "b")

    def test_sides_of_a_split_share_no_partner(self, source):
        sides = [
            source.with_pairing(source.pairing.subset(rows)) for rows in np.split(np.arange(20), 2)
        ]
        left, right = ({b for rows in rows_of(Batches(s, 4, 0), "b") for b in rows} for s in sides)
        assert left
        assert not left & right


def test_groups_travel_with_their_rows():
    rows, groups = np.arange(10.0, dtype=np.float32)[:, None], np.arange(10) // 3
    pairing = FixedPairing(["a", "b"], np.arange(10), groups)
    source = tensor_source({"a": rows, "b": rows}, CPU, pairing)
    half = source.with_pairing(pairing.subset(np.arange(0, 10, 2)))
    for each in (source, half):
        for batch in Batches(each, 4, seed=0):
            assert batch.present is None
            assert batch.groups.tolist() == (batch["a"][:, 0] // 3).int().tolist()
    ungrouped = tensor_source({"a": rows, "b": rows}, CPU)
    assert all(batch.groups is None for batch in Batches(ungrouped, 4, seed=0))
