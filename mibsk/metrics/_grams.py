"""Sums over two linear Gram matrices, also for many orders of the rows of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .._checks.devices import FloatMatrix, Matrix, on_accelerator
from ._hsic import PairSums, linear_sums, rbf_kernel, rbf_pair_sums
from ._moments import centred, unit
from ._pair_moments import PairMoments, SideMoments

LARGEST = 2**22  # entries of a Gram matrix: 32 MiB
PRODUCTS = 10  # multiplications in the time of one entry that is read in another order
BLOCK = 64  # rows that are reordered at once, so that they stay in the cache


def grams_are_smaller(X: Matrix, Y: Matrix) -> bool:
    """Whether the Gram matrices, (n, n), are smaller than the products of the columns."""
    return len(X) < min(X.shape[1], Y.shape[1]) and not on_accelerator(X)


def fit_in_memory(X: Matrix, Y: Matrix) -> bool:
    """Whether two Gram matrices of all rows may be kept."""
    return len(X) ** 2 <= LARGEST and not (on_accelerator(X) or on_accelerator(Y))


def reordering_is_faster(X: Matrix, Y: Matrix) -> bool:
    """Whether reordering a Gram matrix takes less time than the product of the columns."""
    n = len(X)
    columns = min(X.shape[1], n) * min(Y.shape[1], n)  # of rows rotated so that the others are 0
    return fit_in_memory(X, Y) and PRODUCTS * n <= columns


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
        product = reordered_product(self._K, self._L)

        def sums(order: NDArray[np.intp]) -> PairSums:
            squares = float(self._a @ self._b[order])
            return self._sums(squares + product(order), squares)

        return sums

    def _sums(self, product: float, squares: float) -> PairSums:
        moments = PairMoments(len(self._K), self._x, self._y, np.empty((0, 0)), squares)
        return linear_sums(moments, product)


class RbfGrams:
    """The Gram matrices of RBF kernels, and sums over both for some rows, or rows reordered.

    Parameters
    ----------
    X, Y : arrays (n, d)
        As they are paired.
    sigma : float
        Width of both kernels.
    """

    def __init__(self, X: Matrix, Y: Matrix, sigma: float) -> None:
        self._K, self._L = rbf_kernel(X, sigma, "X"), rbf_kernel(Y, sigma, "Y")

    def of_rows(self, rows: NDArray[np.intp]) -> PairSums:
        """Return the sums over some rows."""
        K, L = self._K[np.ix_(rows, rows)], self._L[np.ix_(rows, rows)]
        pairs = {"xy": (K, L), "xx": (K, K), "yy": (L, L)}
        off = {name: float(np.vdot(*pair)) for name, pair in pairs.items()}
        return rbf_pair_sums(off, K.sum(axis=1), L.sum(axis=1))

    def reordered(self) -> Callable[[NDArray[np.intp]], PairSums]:
        """Return how the sums are computed for many orders of the rows of `Y`."""
        rows_k, rows_l = self._K.sum(axis=1), self._L.sum(axis=1)
        own = {"xx": float(np.vdot(self._K, self._K)), "yy": float(np.vdot(self._L, self._L))}
        product = reordered_product(self._K, self._L)
        return lambda order: rbf_pair_sums(own | {"xy": product(order)}, rows_k, rows_l[order])


def reordered_product(K: FloatMatrix, L: FloatMatrix) -> Callable[[NDArray[np.intp]], float]:
    """Return the sum off the diagonal of ``K * L``, both symmetric, for many orders of L."""
    n = len(K)
    blocks = [2 * np.triu(K[i : i + BLOCK, i:], k=1) for i in range(0, n, BLOCK)]
    buffer = np.empty(min(BLOCK, n) * n)

    def product(order: NDArray[np.intp]) -> float:
        total = 0.0
        for i, block in zip(range(0, n, BLOCK), blocks, strict=True):
            found = buffer[: block.size].reshape(block.shape)
            np.take(L[order[i : i + BLOCK]], order[i:], axis=1, out=found, mode="clip")
            total += float(np.vdot(block, found))
        return total

    return product
