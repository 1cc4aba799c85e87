"""Kernels of nearest neighbours alone, and what two of them have in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace

from ..._checks.blocks import CHUNK_SIZE
from ..._checks.devices import Matrix, as_double, to_numpy
from ..rows import take_rows
from ..statistics import Values
from ._nearest import Indices


class NeighbourKernel(NamedTuple):
    """A matrix (n, n) of few entries, none of which is on the diagonal.

    Attributes
    ----------
    n : int
        Number of rows.
    places : ndarray (n_entries,)
        Where the entries are, ``row * n + column``, in ascending order.
    values : ndarray (n_entries,)
        The entries.
    """

    n: int
    places: Indices
    values: Values

    @classmethod
    def of(cls, X: Matrix, near: Indices) -> NeighbourKernel:
        """Return the inner products of rows with their neighbours (n, k), the largest about 1."""
        (n, k), xp = near.shape, array_namespace(X)
        step = max(1, CHUNK_SIZE // (k * X.shape[1]))
        if np.prod(X.shape) <= 4 * CHUNK_SIZE:
            X = as_double(X)  # once, and not for each neighbour
        scores = np.empty((n, k))
        for start in range(0, n, step):
            some = near[start : start + step]
            neighbours = as_double(take_rows(X, some.ravel()))  # (t * k, d)
            own = as_double(X[start : start + step])[:, None, :]
            neighbours = xp.reshape(neighbours, (len(some), k, X.shape[1]))
            scores[start : start + step] = to_numpy(xp.vecdot(neighbours, own))
        scores /= np.abs(scores).max() or 1.0
        return cls.sorted(n, np.arange(n)[:, None] * n + near, scores)

    @classmethod
    def sorted(cls, n: int, places: Indices, values: Values) -> NeighbourKernel:
        """Return the kernel of entries in any order."""
        order = np.argsort(places, axis=None)
        return cls(n, places.ravel()[order], values.ravel()[order])

    def reordered(self, order: Indices) -> NeighbourKernel:
        """Return the kernel of the rows in another order."""
        inverse = np.empty_like(order)
        inverse[order] = np.arange(self.n)
        rows, columns = np.divmod(self.places, self.n)
        return self.sorted(self.n, inverse[rows] * self.n + inverse[columns], self.values)

    def hsic(self, other: NeighbourKernel) -> float:
        """Return HSIC_1 with a kernel of entries at the same places, times ``n(n-3)``."""
        n, (rows, columns) = self.n, np.divmod(self.places, self.n)
        here, there = _in_both(columns * n + rows, self.places)
        trace = self.values[here] @ other.values[there]
        total = self.values.sum() * other.values.sum() / ((n - 1) * (n - 2))
        of_columns = np.bincount(columns, self.values, n)
        of_rows = np.bincount(rows, other.values, n)
        return float(trace + total - 2 * (of_columns @ of_rows) / (n - 2))


def shared_hsic(K: NeighbourKernel, L: NeighbourKernel) -> float:
    """Return HSIC_1 of two kernels, each where both have entries, times ``n(n-3)``."""
    here, there = _in_both(K.places, L.places)
    places = K.places[here]
    return NeighbourKernel(K.n, places, K.values[here]).hsic(
        NeighbourKernel(K.n, places, L.values[there])
    )


def _in_both(wanted: Indices, ascending: Indices) -> tuple[Indices, Indices]:
    """Return the indices of equal numbers in both arrays, of which the second is sorted."""
    at = np.searchsorted(ascending, wanted)
    at[at == len(ascending)] = 0
    here = np.flatnonzero(ascending[at] == wanted) if len(ascending) else at[:0]
    return here, at[here]
