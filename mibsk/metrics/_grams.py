"""Sums over two linear Gram matrices, also for many orders of the rows of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .._checks.devices import Matrix, on_accelerator
from ._hsic import PairSums, linear_sums
from ._moments import centred, unit
from ._pair_moments import PairMoments, SideMoments

LARGEST = 2**22  # entries of a Gram matrix: 32 MiB
PRODUCTS = 10  # multiplications in the time of one entry that is read in another order
BLOCK = 64  # rows that are reordered at once, so that they stay in the cache


def grams_are_smaller(X: Matrix, Y: Matrix) -> bool:
    """Whether the Gram matrices, (n, n), are smaller than the products of the columns."""
    return len(X) < min(X.shape[1], Y.shape[1]) and not on_accelerator(X)


def reordering_is_faster(X: Matrix, Y: Matrix) -> bool:
    """Whether reordering a Gram matrix takes less time than the product of the columns."""
    n = len(X)
    columns = min(X.shape[1], n) * min(Y.shape[1], n)  # of rows rotated so that the others are 0
    return n * n <= LARGEST and PRODUCTS * n <= columns and not on_accelerator(X)


class Grams:
    """The Gram matrices K of `X` and L of `Y`, centred, and sums over both.

    Parameters
    ----------
    X, Y : arrays (n, d)
        As they are paired; each is multiplied by its `unit`.
    """

    def __init__(self, X: Matrix, Y: Matrix) -> None:
        x, y = (unit(Z) * centred(Z) for Z in (X, Y))
        self._K, self._L = x @ x.T, y @ y.T
        self._a, self._b = self._K.diagonal(), self._L.diagonal()
        self._x = SideMoments(self._K, float(self._a @ self._a))
        self._y = SideMoments(self._L, float(self._b @ self._b))

    def sums(self) -> PairSums:
        """Return the sums for the rows as they are paired."""
        return self._sums(float(np.vdot(self._K, self._L)), float(self._a @ self._b))

    def reordered(self) -> Callable[[NDArray[np.intp]], PairSums]:
        r"""Return how the sums are computed for many orders of the rows of `Y`.

        Rows and columns of L are taken in the new order, so that the cost does not depend on the
        number of columns of `X` and `Y`:

        .. math:: \mathrm{tr}(KL) = \sum_i K_{ii} L_{ii} + 2 \sum_{i<j} K_{ij} L_{ij}
        """
        n = len(self._K)
        blocks = [2 * np.triu(self._K[i : i + BLOCK, i:], k=1) for i in range(0, n, BLOCK)]
        buffer = np.empty(min(BLOCK, n) * n)

        def sums(order: NDArray[np.intp]) -> PairSums:
            squares = product = float(self._a @ self._b[order])
            for i, block in zip(range(0, n, BLOCK), blocks, strict=True):
                found = buffer[: block.size].reshape(block.shape)
                np.take(self._L[order[i : i + BLOCK]], order[i:], axis=1, out=found, mode="clip")
                product += float(np.vdot(block, found))
            return self._sums(product, squares)

        return sums

    def _sums(self, product: float, squares: float) -> PairSums:
        moments = PairMoments(len(self._K), self._x, self._y, np.empty((0, 0)), squares)
        return linear_sums(moments, product)
