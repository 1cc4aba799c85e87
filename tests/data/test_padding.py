"""Sparse rows as rectangular arrays."""

import numpy as np
import pytest
import scipy.sparse as sp

from mibsk.data._padding import pad_csr

X = sp.csr_array(np.array([[0, 2, 0], [0, 0, 0], [1, 2, 3]], dtype=np.float32))


def test_hand_value():
    indices, values = pad_csr(X, np.array([2, 0]))
    assert (indices.dtype, values.dtype) == (np.int64, np.float32)
    assert indices.tolist() == [[0, 1, 2], [1, 0, 0]]
    assert values.tolist() == [[1, 2, 3], [2, 0, 0]]


@pytest.mark.parametrize("rows", [slice(0, 2), slice(None), np.array([1, 1]), slice(2, 2)])
def test_a_weighted_sum_is_that_of_the_sparse_rows(rows):
    weights = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    indices, values = pad_csr(X, rows)
    assert indices.shape == values.shape
    assert indices.shape[1] >= 1
    summed = (values[:, :, None] * weights[indices]).sum(axis=1)
    np.testing.assert_allclose(summed, X[rows].toarray() @ weights)
