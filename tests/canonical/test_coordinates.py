"""Coordinates of wide modalities."""

import numpy as np
import pytest
import scipy.sparse as sp

from mibsk.canonical import find_coordinates


def in_chunks(X, size=17):
    return lambda: (X[i : i + size] for i in range(0, X.shape[0], size))


def wide(n=40, p=600, rank=None, seed=0):
    rng = np.random.default_rng(seed)
    X = (
        rng.standard_normal((n, p))
        if rank is None
        else rng.standard_normal((n, rank))
        @ (rng.standard_normal((rank, p)) * np.geomspace(1, 0.01, rank)[:, None])
    )
    return X + 3


def test_few_columns_are_their_own_coordinates():
    X = wide(p=6)
    base = find_coordinates(in_chunks(X), 40, 6, scaled=True)
    assert base.basis is None
    np.testing.assert_array_equal(base(X), X)


@pytest.mark.parametrize("scaled", [True, False])
def test_of_few_rows_keep_all_distances(scaled):
    X = wide()
    X[:, 5] = 2.0
    base = find_coordinates(in_chunks(X), 40, 600, scaled=scaled)
    assert base.basis.shape == (600, 39)  # the centred rows span one dimension less
    np.testing.assert_allclose(base.basis.T @ base.basis, np.eye(39), atol=1e-10)
    deviations = X.std(axis=0)
    deviations[5] = 1.0
    Z = (X - X.mean(axis=0)) / (deviations if scaled else 1)
    got = base(X)
    np.testing.assert_allclose(got @ got.T, Z @ Z.T, atol=1e-8)


def test_of_sparse_rows_are_those_of_dense_ones():
    X = np.maximum(wide() - 4, 0)
    dense = find_coordinates(in_chunks(X), 40, 600, scaled=False)(X)
    S = sp.csr_array(X)
    sparse = find_coordinates(in_chunks(S), 40, 600, scaled=False)(S)
    np.testing.assert_allclose(sparse @ sparse.T, dense @ dense.T, atol=1e-8)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_of_many_rows_keep_the_leading_axes(container):
    limits = {"scaled": False, "max_columns": 100, "rank": 30}
    X = wide(n=400, rank=20)
    rows = container(X)
    base = find_coordinates(in_chunks(rows, 64), 400, 600, **limits)
    assert base.basis.shape == (600, 30)
    np.testing.assert_allclose(base.basis.T @ base.basis, np.eye(30), atol=1e-10)
    Z = X - X.mean(axis=0)
    got = base(rows)
    np.testing.assert_allclose(got @ got.T, Z @ Z.T, atol=1e-6)
    again = find_coordinates(in_chunks(rows, 64), 400, 600, **limits)
    np.testing.assert_array_equal(again.basis, base.basis)


def test_rows_that_are_equal_have_none():
    X = np.full((40, 600), 0.1)
    assert find_coordinates(in_chunks(X), 40, 600, scaled=True)(X).shape == (40, 0)
