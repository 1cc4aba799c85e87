"""Nearest neighbours of all rows, beside flat search by faiss and the textbook form.

Both search by inner product with as many threads; faiss reads OMP_NUM_THREADS. If it is not
installed, its ratios are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mibsk.metrics import mutual_knn

from ._ratio import Ratio, in_turns, of_rounds, seconds

K = 10
BLOCK = 256  # rows of the textbook form


def ratios() -> Iterator[Ratio]:
    """Yield the ratio of each size."""
    X, Y = rows(20_000)
    yield in_turns(
        "mutual k-NN, 20,000 x 64",
        "a matrix product and argpartition, in blocks of rows",
        lambda: mutual_knn(X, Y, k=K),
        lambda: share(textbook(X), textbook(Y)),
        rounds=3,
    )
    if find_spec("faiss") is None:
        print("neighbours: the ratios to faiss are left out: faiss is not installed")
        return
    yield in_turns(
        "mutual k-NN, 20,000 x 64",
        "faiss, IndexFlatIP",
        lambda: mutual_knn(X, Y, k=K),
        lambda: share(flat_search(X), flat_search(Y)),
        rounds=3,
    )
    X, Y = rows(100_000)
    pair = (
        seconds(lambda: mutual_knn(X, Y, k=K)),
        seconds(lambda: share(flat_search(X), flat_search(Y))),
    )
    yield of_rounds("mutual k-NN, 100,000 x 64", "faiss, IndexFlatIP", [pair])


def rows(n: int) -> list[NDArray[np.float32]]:
    """Return two sides of n rows of unit norm."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 64), dtype=np.float32)
    sides = X, X + rng.standard_normal((n, 64), dtype=np.float32)
    return [Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in sides]


def textbook(X: NDArray[Any]) -> NDArray[np.intp]:
    """Return the neighbours of each row but itself, (n, K)."""
    near = np.empty((len(X), K), dtype=np.intp)
    for start in range(0, len(X), BLOCK):
        scores = X[start : start + BLOCK] @ X.T
        own = np.arange(len(scores))
        scores[own, own + start] = -np.inf
        near[start : start + BLOCK] = np.argpartition(scores, -K, axis=1)[:, -K:]
    return near


def flat_search(X: NDArray[Any]) -> NDArray[np.intp]:
    """Return the neighbours of each row but itself, found by faiss, (n, K)."""
    import faiss

    index = faiss.IndexFlatIP(X.shape[1])
    index.add(X)
    found = index.search(X, K + 1)[1]
    others = found != np.arange(len(X))[:, None]
    others[others.all(axis=1), -1] = False
    near: NDArray[np.intp] = found[others].reshape(len(X), K)
    return near


def share(near_x: NDArray[np.intp], near_y: NDArray[np.intp]) -> float:
    """Return the mean share of neighbours in common."""
    common = [len(np.intersect1d(a, b)) for a, b in zip(near_x, near_y, strict=True)]
    return float(np.mean(common) / K)
