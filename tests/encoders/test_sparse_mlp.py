import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from mibsk.encoders import SparseMLP
from mibsk.encoders._sparse import SparseLinear


def padded(matrix):
    """Return the indices and values of a CSR matrix, padded with zeros."""
    n_rows, longest = matrix.shape[0], int(np.diff(matrix.indptr).max(initial=0))
    indices = torch.zeros(n_rows, longest, dtype=torch.int64)
    values = torch.zeros(n_rows, longest)
    for row in range(n_rows):
        start, stop = matrix.indptr[row : row + 2]
        indices[row, : stop - start] = torch.from_numpy(matrix.indices[start:stop].astype(np.int64))
        values[row, : stop - start] = torch.from_numpy(matrix.data[start:stop])
    return indices, values


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0, 1), st.booleans())
def test_equals_the_dense_product(seed, density, bias):
    matrix = sparse.random_array(
        (6, 15), density=density, format="csr", dtype=np.float32, random_state=seed
    )
    layer = SparseLinear(15, 4, bias=bias)
    if bias:
        torch.nn.init.normal_(layer.bias)
    dense = torch.from_numpy(matrix.toarray()) @ layer.weight
    if bias:
        dense = dense + layer.bias
    torch.testing.assert_close(layer(padded(matrix)), dense)


def test_gradient_equals_the_dense_one():
    matrix = sparse.random_array((6, 15), density=0.3, format="csr", dtype=np.float32, rng=0)
    layer = SparseLinear(15, 4, bias=False)
    weights = torch.randn(6, 4)
    (layer(padded(matrix)) * weights).sum().backward()
    dense = torch.from_numpy(matrix.toarray()).T @ weights
    torch.testing.assert_close(layer.weight.grad, dense)


def test_repeated_indices_add_up():
    layer = SparseLinear(5, 3, bias=False)
    twice = layer((torch.tensor([[2, 2]]), torch.tensor([[0.25, 0.5]])))
    torch.testing.assert_close(twice[0], 0.75 * layer.weight[2])


def test_rows_without_entries():
    module = SparseMLP((3,))((5,), 2)
    nothing = torch.zeros(4, 0, dtype=torch.int64), torch.zeros(4, 0)
    assert module(nothing).isfinite().all()


def test_exported_layer_equals_the_eager_one():
    layer = SparseLinear(20, 3, bias=True)
    row = torch.randint(20, (4, 6)), torch.randn(4, 6)
    program = torch.export.export(layer, (row,))
    assert "embedding_bag" not in program.graph_module.code
    torch.testing.assert_close(program.module()(row), layer(row))


@pytest.mark.parametrize("n_features", [100, 10_000])
def test_unit_norm_rows_start_with_outputs_of_unit_norm(n_features):
    layer = SparseLinear(n_features, 256, bias=False)
    indices = torch.rand(50, n_features).argsort(dim=1)[:, :16]
    norms = layer((indices, torch.full((50, 16), 0.25))).norm(dim=1)
    assert abs(norms.mean() - 1) < 0.1
