"""Data, seeds and the textbook k-NN that tests of several metrics use."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

few = settings(deadline=None, max_examples=30)
seeds = st.integers(0, 2**32 - 1)


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


def draw_pair(seed, n=200, d_x=6, d_y=4, noise=1.0, centre=(1, -2)):
    """Return two linear views of three hidden factors: (n, d_x) and (n, d_y)."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((n, 3))
    X = shared @ rng.standard_normal((3, d_x)) + noise * rng.standard_normal((n, d_x))
    Y = shared @ rng.standard_normal((3, d_y)) + noise * rng.standard_normal((n, d_y))
    return X + centre[0], Y + centre[1]
