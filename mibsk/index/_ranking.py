"""Order of the rows that a search found."""

from __future__ import annotations

import numpy as np


def inner_products(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the inner product of each row with a query, rounded to float32.

    It is computed in float64, row by row: equal rows have equal scores in any order and number of
    rows, as they have not in the products of matrices of BLAS.

    Parameters
    ----------
    vectors : ndarray (n, d) of float32
    query : ndarray (d,) of float32

    Returns
    -------
    ndarray (n,) of float32
    """
    products = vectors.astype(np.float64) * query.astype(np.float64)
    return products.sum(axis=1).astype(np.float32)


def best_first(scores: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the order of the rows by descending score, then by id."""
    return np.lexsort((ids, -scores))


def rounding_error(vectors: np.ndarray, query: np.ndarray) -> float:
    """Return a bound of the error of inner products that were added up in float32."""
    if not len(vectors):
        return 0.0
    largest = float(np.linalg.norm(vectors.astype(np.float64), axis=1).max())
    norm = float(np.linalg.norm(query.astype(np.float64)))
    return 2 * vectors.shape[1] * float(np.finfo(np.float32).eps) * largest * norm
