"""Permutation tests, beside computing the metric anew for each order of the rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mibsk.canonical import permutation_test as test_directions
from mibsk.metrics import cka, cknna, permutation_test

from ._ratio import Ratio, in_turns

Array = NDArray[np.float64]


def ratios() -> Iterator[Ratio]:
    """Yield the ratio of each test."""
    rng = np.random.default_rng(0)
    X, noise = rng.standard_normal((2, 500, 512))
    Y = X + 3 * noise
    yield in_turns(
        "200 permutations of linear CKA, 500 x 512",
        "the product of the columns for each order",
        lambda: permutation_test(cka, X, Y, n_permutations=200),
        lambda: products_of_columns(X, Y, 200),
    )
    yield in_turns(
        "20 permutations of CKNNA, 500 x 512",
        "the metric anew for each order",
        lambda: permutation_test(cknna, X, Y, n_permutations=20),
        lambda: [cknna(X, Y[rng.permutation(500)]) for _ in range(20)],
        rounds=3,
    )
    rows = [X[:, :100], Y[:, :100]]
    yield in_turns(
        "50 permutations of 8 canonical directions, 500 x 100",
        "one determinant for each direction and order",
        lambda: test_directions(
            rows, n_components=8, n_permutations=50, level=0.999, rng=np.random.default_rng(0)
        ),
        lambda: determinants(*rows, 8, 50),
        rounds=3,
    )


def products_of_columns(X: Array, Y: Array, n_permutations: int) -> Array:
    """Return linear CKA for random orders of the rows, each from the product of the columns."""
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    size = np.linalg.norm(X.T @ X) * np.linalg.norm(Y.T @ Y)
    rng = np.random.default_rng(0)
    orders = (rng.permutation(len(X)) for _ in range(n_permutations))
    return np.array([np.linalg.norm(X.T @ Y[order]) ** 2 / size for order in orders])


def determinants(X: Array, Y: Array, n_directions: int, n_permutations: int) -> Array:
    """Return the information from each direction on, for random orders of the rows."""
    X, Y = (np.linalg.qr(Z - Z.mean(axis=0))[0] for Z in (X, Y))
    left, _, right = np.linalg.svd(X.T @ Y)
    rng, found = np.random.default_rng(0), []
    for _ in range(n_permutations):
        product = X.T @ Y[rng.permutation(len(Y))]
        for k in range(n_directions):
            block = left[:, k:].T @ product @ right[k:].T
            R = np.block([[np.eye(len(block)), block], [block.T, np.eye(block.shape[1])]])
            found.append(-0.5 * np.linalg.slogdet(R)[1])
    return np.array(found)
