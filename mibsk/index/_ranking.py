"""Order of the rows that a search found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_ROUNDING = 1e-6  # of the product of two vectors of norm 1 in float32
_EXTRA = 8  # rows beyond k, so that most searches read once


def inner_products(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the inner product of each row with a query, rounded to float32.

    It is computed in float64, row by row: equal rows have equal scores in any order and number of
    rows, as they have not in the products of matrices of BLAS. Vectors of norm 1 that were rounded
    to float32 have products up to 1.0000003: what exceeds 1 by such rounding is 1.

    Parameters
    ----------
    vectors : ndarray (n, d) of float32
    query : ndarray (d,) of float32

    Returns
    -------
    ndarray (n,) of float32
    """
    products = vectors.astype(np.float64) * query.astype(np.float64)
    scores = products.sum(axis=1).astype(np.float32)
    is_rounding = np.abs(scores) <= 1 + _ROUNDING  # beyond, vectors are not of norm 1
    return np.where(is_rounding, scores.clip(-1, 1), scores)


def nearest(
    fetch: Callable[[int], tuple[np.ndarray, np.ndarray, Any]], query: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
    """Return the k rows of largest score, by descending score, then by id.

    A store adds up in float32, and returns any of several rows of equal score: more rows than k are
    read, until none that was not read can have the score of the k-th.

    Parameters
    ----------
    fetch : callable
        Returns ids (m,), vectors (m, d) and further values of the m best rows of a store.
    query : ndarray (d,) of float32
    k : int

    Returns
    -------
    order, ids, scores : ndarray (k,)
        Positions among the rows that were read, their ids and their scores.
    values : object
        The further values of all rows that were read.
    """
    m = k + _EXTRA
    while True:
        ids, vectors, values = fetch(m)
        scores = inner_products(vectors, query)
        if len(ids) < m or _is_sure(scores, k, _rounding_error(vectors, query)):
            break
        m *= 4
    order = np.lexsort((ids, -scores))[:k]
    return order, ids[order], scores[order], values


def _is_sure(scores: np.ndarray, k: int, error: float) -> bool:
    """Whether no row that was not read can have the score of the k-th."""
    ordered = np.sort(scores)[::-1]
    return bool(ordered[-1] + error < ordered[k - 1])


def _rounding_error(vectors: np.ndarray, query: np.ndarray) -> float:
    """Return a bound of the error of inner products that were added up in float32."""
    largest = float(np.linalg.norm(vectors.astype(np.float64), axis=1).max())
    norm = float(np.linalg.norm(query.astype(np.float64)))
    return 2 * vectors.shape[1] * float(np.finfo(np.float32).eps) * largest * norm
