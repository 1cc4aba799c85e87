"""Rows taken by index equal plain indexing, wherever they live."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mibsk.data._rows import (
    CsrRows,
    Features,
    HostRows,
    ResidentRows,
    first_tensor,
    make_rows,
    slice_rows,
    to_batch,
)
from mibsk.files import memory_map as _memory_map

CPU = torch.device("cpu")
INDICES = torch.tensor([4, 0, 0, 2])


def densify(batch, n_columns):
    """Scatter (indices, values) back into rows."""
    indices, values = batch
    return torch.zeros(len(indices), n_columns).scatter_add_(1, indices, values).numpy()


@pytest.mark.parametrize("kind", [ResidentRows, HostRows])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(5, 1), (5, 3), (5, 2, 4)])
def test_dense_rows(kind, dtype, shape):
    X = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    rows = kind(X, CPU)
    assert len(rows) == 5
    batch = rows.take(INDICES)
    assert batch.numpy().dtype == dtype
    np.testing.assert_array_equal(batch.numpy(), X[INDICES.numpy()])


@pytest.mark.parametrize(
    ("dtype", "kept"), [(np.float64, "float32"), (np.int16, "float32"), (np.bool_, "uint8")]
)
@pytest.mark.parametrize("smallest_file", [1, 2**26])
def test_rows_of_a_memory_map_are_converted_batch_by_batch(
    tmp_path, monkeypatch, dtype, kept, smallest_file
):
    monkeypatch.setattr(_memory_map, "_SMALLEST_FILE", smallest_file)
    mapped = np.memmap(tmp_path / "X", dtype, "w+", shape=(5, 3))
    mapped[:] = np.arange(15).reshape(5, 3) % 2
    rows = make_rows(mapped, CPU)
    assert isinstance(rows, HostRows)
    batch = rows.take(INDICES).numpy()
    assert batch.dtype == kept
    np.testing.assert_array_equal(batch, np.asarray(mapped)[INDICES.numpy()])


def read_only(X):
    X.flags.writeable = False
    return X


BASE = np.arange(30, dtype=np.float32).reshape(5, 6)


@pytest.mark.parametrize(
    ("X", "kind"),
    [
        (BASE.copy(), ResidentRows),
        (read_only(BASE.copy()), HostRows),
        (BASE[:, ::2], HostRows),
        (BASE[::-1], HostRows),
        (np.asfortranarray(BASE), HostRows),
        (np.broadcast_to(BASE[0], (5, 6)), HostRows),
    ],
    ids=["plain", "read-only", "strided", "reversed", "fortran", "broadcast"],
)
def test_any_memory_layout(X, kind):
    rows = make_rows(X, CPU)
    assert type(rows) is kind
    np.testing.assert_array_equal(rows.take(INDICES).numpy(), X[INDICES.numpy()])


@pytest.mark.parametrize("X", [read_only(BASE.copy()), BASE[:, ::2], BASE[::-1]])
def test_any_memory_layout_goes_to_another_device(X):
    rows = make_rows(X, torch.device("meta"))  # a read-only array must not warn
    assert isinstance(rows, ResidentRows)
    assert rows.tensor.shape == X.shape


def test_resident_rows_are_not_copied():
    X = BASE.copy()
    assert np.shares_memory(ResidentRows(X, CPU).tensor.numpy(), X)


def test_taken_rows_are_a_copy():
    X = BASE.copy()
    for rows in (ResidentRows(X, CPU), HostRows(X, CPU)):
        rows.take(INDICES).fill_(-1)
    np.testing.assert_array_equal(X, BASE)


@pytest.mark.parametrize(
    ("X", "kept"),
    [
        (BASE, "float32"),
        (BASE.astype(np.float64), "float32"),
        (BASE.astype(np.uint8), "uint8"),
        (BASE > 7, "uint8"),
        (read_only(BASE.copy()), "float32"),
        (BASE[::-1, ::2], "float32"),
        (np.asfortranarray(BASE), "float32"),
    ],
)
def test_all_rows_as_one_batch_are_a_copy(X, kept):
    before = X.copy()
    batch = to_batch(X, CPU)
    assert batch.numpy().dtype == kept
    np.testing.assert_array_equal(batch.numpy(), X)
    batch.fill_(9)
    np.testing.assert_array_equal(X, before)


class TestSparse:
    X = sp.csr_array(
        np.array([[0, 2, 0], [0, 0, 0], [1, 2, 3], [0, 0, 0], [0, 0, 4]], dtype=np.float32)
    )

    def test_equals_plain_indexing(self):
        rows = make_rows(self.X, CPU)
        assert isinstance(rows, CsrRows)
        assert len(rows) == 5
        batch = rows.take(INDICES)
        np.testing.assert_array_equal(densify(batch, 3), self.X[INDICES.numpy()].toarray())

    def test_all_rows_as_one_batch(self):
        batch = to_batch(self.X, CPU)
        np.testing.assert_array_equal(densify(batch, 3), self.X.toarray())

    def test_a_batch_is_as_wide_as_its_longest_row(self):
        rows = CsrRows(self.X, CPU)
        assert rows.take(torch.tensor([0, 4]))[0].shape == (2, 1)
        assert rows.take(torch.tensor([0, 2]))[0].shape == (2, 3)

    def test_padding_has_no_value(self):
        indices, values = CsrRows(self.X, CPU).take(torch.tensor([2, 0]))
        assert indices.tolist() == [[0, 1, 2], [1, 0, 0]]
        assert values.tolist() == [[1, 2, 3], [2, 0, 0]]

    def test_empty_rows(self):
        indices, values = CsrRows(self.X, CPU).take(torch.tensor([1, 3]))
        assert indices.tolist() == [[0], [0]]
        assert values.tolist() == [[0], [0]]

    def test_nothing_stored_at_all(self):
        rows = CsrRows(sp.csr_array((3, 4), dtype=np.float32), CPU)
        indices, values = rows.take(torch.tensor([2, 0]))
        assert indices.tolist() == [[0], [0]]
        assert values.tolist() == [[0], [0]]

    def test_no_rows_asked_for(self):
        indices, values = CsrRows(self.X, CPU).take(torch.tensor([], dtype=torch.int64))
        assert len(indices) == len(values) == 0

    @settings(max_examples=30, deadline=None)
    @given(
        seed=st.integers(0, 1000),
        density=st.sampled_from([0.0, 0.05, 0.4, 1.0]),
        order=st.lists(st.integers(0, 6), min_size=1, max_size=9),
    )
    def test_random_matrices(self, seed, density, order):
        X = sp.random_array((7, 5), density=density, rng=seed, dtype=np.float32, format="csr")
        batch = CsrRows(X, CPU).take(torch.tensor(order))
        np.testing.assert_array_equal(densify(batch, 5), X.toarray()[order])


DENSE = torch.arange(24.0).reshape(4, 3, 2)


@pytest.mark.parametrize(
    "batch",
    [DENSE, Features(DENSE[:, :, 0]), (DENSE[:, :, 0].long(), DENSE[:, :, 1])],
    ids=["dense", "features", "sparse"],
)
def test_slices_of_a_batch(batch):
    assert len(first_tensor(batch)) == 4
    part = slice_rows(batch, 1, 3)
    assert type(part) is type(batch)
    tensors = [(batch, part)] if isinstance(batch, torch.Tensor) else zip(batch, part, strict=True)
    for whole, some in tensors:
        assert torch.equal(some, whole[1:3])
        assert some.untyped_storage().data_ptr() == whole.untyped_storage().data_ptr()
