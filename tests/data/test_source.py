"""Sources of batches: whole arrays, or a torch Dataset."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.utils.data import Dataset

from mibsk.data import Batches, InputSpec, dataset_source, tensor_source
from mibsk.data._source import dataset_columns

CPU = torch.device("cpu")
IMAGE = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)
WORDS = np.array(["one", "two", "three", "four", "five", "six"])


class Pairs(Dataset):
    """Image and word, row by row."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        return {"image": torch.from_numpy(IMAGE[i]), "text": str(WORDS[i])}


class Items(Dataset):
    """Items of a list."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


@pytest.fixture(scope="module")
def prepared():
    """Specs and prepared arrays of the pairs."""
    learnt = {"image": InputSpec.learn("image", IMAGE), "text": InputSpec.learn("text", WORDS)}
    return (
        {name: spec for name, (spec, _) in learnt.items()},
        {name: X for name, (_, X) in learnt.items()},
    )


def test_a_dataset_gives_the_same_batches_as_its_arrays(prepared):
    specs, arrays = prepared
    from_arrays = Batches(tensor_source(arrays, CPU), 4, seed=1)
    from_dataset = Batches(dataset_source(Pairs(), specs, CPU), 4, seed=1)
    n_batches = 0
    for one, other in zip(from_arrays, from_dataset, strict=True):
        assert torch.equal(one["image"], other["image"])
        assert one["image"].dtype == torch.uint8
        for ours, theirs in zip(one["text"], other["text"], strict=True):
            assert torch.equal(ours, theirs)
        n_batches += 1
    assert n_batches == 2


@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_another_pairing_takes_a_subset(prepared, kind):
    specs, arrays = prepared
    source = tensor_source(arrays, CPU) if kind == "arrays" else dataset_source(Pairs(), specs, CPU)
    part = source.with_pairing(source.pairing.subset(np.array([5, 1])))
    (batch,) = Batches(part, -1, seed=None)
    np.testing.assert_array_equal(batch["image"].numpy(), IMAGE[[5, 1]])
    assert source.pairing.n_rows == 6


def test_dense_and_sparse_rows_side_by_side():
    source = tensor_source(
        {"dense": np.eye(3, dtype=np.float32), "sparse": sp.eye_array(3, format="csr")}, CPU
    )
    rows = torch.tensor([2, 0])
    batch = source.take({"dense": rows, "sparse": rows})
    assert batch["dense"].tolist() == [[0, 0, 1], [1, 0, 0]]
    assert batch["sparse"][0].tolist() == [[2], [0]]


def test_columns_of_a_dataset_are_stacked_in_the_order_asked():
    columns = dataset_columns(Pairs(), [3, 0])
    np.testing.assert_array_equal(columns["image"], IMAGE[[3, 0]])
    assert columns["text"].tolist() == ["four", "one"]


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        ([{"a": 1}, (1, 2)], TypeError, "must yield mappings .*, got tuple"),
        ([{"a": np.zeros(2)}, {"a": np.zeros(3)}], ValueError, r"'a' must have rows of one shape"),
    ],
)
def test_refuses_items_that_do_not_match(items, error, message):
    with pytest.raises(error, match=message):
        dataset_columns(Items(items), [0, 1])
