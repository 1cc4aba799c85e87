"""Eigenvalues and singular values of matrices whose size the cache of a processor may not suit."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

from .._checks.devices import FloatMatrix

# Columns that are a multiple of this many numbers apart share few places of the cache: LAPACK
# takes up to 1.4 times as long as for a slightly larger matrix.
ALIASED = 256
PADDING = 8  # rows and columns that are added to a matrix of such a size


def eigenvectors(S: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    """Return the eigenvalues in ascending order, (d,), and eigenvectors of `S` in columns, (d, d).

    Parameters
    ----------
    S : ndarray (d, d)
        Positive semidefinite, up to rounding.
    """
    if len(S) % ALIASED:
        values, vectors = np.linalg.eigh(S)
        return values, vectors
    values, vectors = np.linalg.eigh(_padded(S))
    return values[PADDING:], vectors[: len(S), PADDING:]


def eigenvalues(S: FloatMatrix) -> FloatMatrix:
    """Return the eigenvalues in ascending order, (d,); as :func:`eigenvectors`."""
    aliased = len(S) % ALIASED == 0
    values = np.asarray(np.linalg.eigvalsh(_padded(S) if aliased else S), dtype=np.float64)
    return values[PADDING:] if aliased else values


def leading_eigenvectors(S: FloatMatrix, k: int) -> tuple[FloatMatrix, FloatMatrix]:
    """Return the `k` largest eigenvalues in ascending order, and their eigenvectors in columns."""
    padded = S if len(S) % ALIASED else _padded(S)
    d = len(padded)
    values, vectors = eigh(padded, driver="evr", subset_by_index=[d - k, d - 1], check_finite=False)
    return values, vectors[: len(S)]


def singular_values(A: FloatMatrix) -> FloatMatrix:
    """Return the singular values, the largest first, and perhaps some zeros."""
    if A.shape[0] == A.shape[1] and len(A) % ALIASED == 0:
        A = np.pad(A, (0, PADDING))
    return np.asarray(np.linalg.svd(A, compute_uv=False), dtype=np.float64)


def _padded(S: FloatMatrix) -> FloatMatrix:
    """Return `S` and a block of its own, whose eigenvalues are below all others."""
    d = len(S)
    padded = np.zeros((d + PADDING, d + PADDING))
    padded[:d, :d] = S
    below = max(float(np.trace(S)) / max(d, 1), np.finfo(float).tiny)
    padded[range(d, d + PADDING), range(d, d + PADDING)] = -below
    return padded
