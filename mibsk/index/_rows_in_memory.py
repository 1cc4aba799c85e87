"""Search in rows that are in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ._arrow_filter import mask_of
from ._ranking import inner_products
from ._where import Condition

_BYTES_OF_SCORES = 1 << 26


class Found(NamedTuple):
    """The best rows for one query: positions (k,), ids (k,) and scores (k,), best first."""

    positions: np.ndarray
    ids: np.ndarray
    scores: np.ndarray


class RowsInMemory:
    """All rows of one version of a table.

    Parameters
    ----------
    ids : ndarray of str (n,)
    vectors : ndarray (n, d) of float32
    metadata : pyarrow.Table (n, columns)
    """

    def __init__(self, ids: np.ndarray, vectors: np.ndarray, metadata: Any) -> None:
        self.ids, self.vectors, self.metadata = ids, vectors, metadata
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
        self._largest = float(norms.max(initial=0))

    def search(self, queries: np.ndarray, k: int, conditions: Sequence[Condition]) -> list[Found]:
        """Return the k rows of largest inner product for each query, ties by id.

        Parameters
        ----------
        queries : ndarray (m, d) of float32
        k : int
        conditions : sequence of Condition
            All of which hold for the rows.
        """
        mask = mask_of(conditions, self.metadata) if conditions else None
        n = len(self.ids) if mask is None else int(mask.sum())
        found: list[Found] = []
        size = max(1, _BYTES_OF_SCORES // max(1, 4 * len(self.ids)))
        for start in range(0, len(queries), size):
            part = queries[start : start + size]
            scores = part @ self.vectors.T
            if mask is not None:
                scores[:, ~mask] = -np.inf
            found += [
                self._best(each, query, min(k, n)) for each, query in zip(scores, part, strict=True)
            ]
        return found

    def _best(self, scores: np.ndarray, query: np.ndarray, k: int) -> Found:
        """Return the k best of one query, by scores without the rounding error of `scores`."""
        if k == 0:
            nothing = np.zeros(0, int)
            return Found(nothing, self.ids[nothing], nothing.astype(np.float32))
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        error = 2 * len(query) * float(np.finfo(np.float32).eps)
        error *= self._largest * float(np.linalg.norm(query.astype(np.float64)))
        near = np.flatnonzero(scores >= least - np.float32(error))
        exact = inner_products(self.vectors[near], query)
        order = np.lexsort((self.ids[near], -exact))[:k]
        return Found(near[order], self.ids[near[order]], exact[order])
