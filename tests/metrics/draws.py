"""Data that tests of several metrics draw."""

import numpy as np


def related(seed, n=80, d=6, noise=1.0):
    """Return two representations that share what is hidden: (n, d) each, of unit norm."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((n, d))
    pair = (hidden + noise * rng.standard_normal((n, d)) for _ in range(2))
    X, Y = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in pair)
    return X, Y
