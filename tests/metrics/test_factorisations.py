"""Eigenvalues and singular values of matrices of any size, also of sizes that are padded."""

import numpy as np
import pytest

from mibsk.metrics import _factorisations
from mibsk.metrics._factorisations import (
    eigenvalues,
    eigenvectors,
    leading_eigenvectors,
    singular_values,
)


@pytest.fixture(params=[7, 8])
def size(request, monkeypatch):
    """Sizes with and without padding."""
    monkeypatch.setattr(_factorisations, "ALIASED", 8)
    return request.param


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e150])
@pytest.mark.parametrize("rank", [0, 1, 3, 8])
def test_of_a_semidefinite_matrix(size, rank, scale):
    A = np.random.default_rng(rank).standard_normal((size, rank))
    S = scale * (A @ A.T)
    expected = np.linalg.eigvalsh(S)
    rounding = 1e-13 * scale
    np.testing.assert_allclose(eigenvalues(S), expected, atol=rounding)
    for values, vectors in (eigenvectors(S), leading_eigenvectors(S, 3)):
        n_found = len(values)
        np.testing.assert_allclose(values, expected[-n_found:], atol=rounding)
        varies = values > rounding  # vectors of the others may be any
        vectors = vectors[:, varies]
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(varies.sum()), atol=1e-12)
        np.testing.assert_allclose(S @ vectors, vectors * values[varies], atol=10 * rounding)
    assert eigenvectors(S)[1].shape == (size, size)


@pytest.mark.parametrize("shape", [(8, 8), (7, 7), (8, 5)])
def test_of_any_matrix(size, shape):
    A = np.random.default_rng(0).standard_normal(shape)
    found = singular_values(A)
    np.testing.assert_allclose(found[: min(shape)], np.linalg.svd(A, compute_uv=False))
    np.testing.assert_allclose(found[min(shape) :], 0, atol=1e-15)
