"""Data and the textbook k-NN that tests of several metrics use."""

import numpy as np


def related(seed, n=80, d=6, noise=1.0):
    """Return two representations of the same hidden factors: (n, d) each, of unit norm."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((n, d))
    pair = (hidden + noise * rng.standard_normal((n, d)) for _ in range(2))
    X, Y = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in pair)
    return X, Y


def textbook_neighbours(X, k):
    """Return the k nearest other rows by inner product, ties to the lower index: (n, k)."""
    S = np.einsum("id,jd->ij", *2 * [np.asarray(X, float)])
    np.fill_diagonal(S, -np.inf)
    return np.argsort(-S, axis=1, kind="stable")[:, :k]
