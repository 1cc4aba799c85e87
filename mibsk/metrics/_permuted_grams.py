"""Sums over two linear Gram matrices for many orders of the rows of one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._checks.devices import Matrix, on_accelerator
from ._hsic import PairSums, linear_sums
from ._moments import centred, unit
from ._pair_moments import PairMoments, SideMoments

LARGEST = 2**22  # entries of a Gram matrix: 32 MiB
PRODUCTS = 10  # multiplications in the time of one entry that is read in another order
BLOCK = 64  # rows that are reordered at once, so that they stay in the cache


def gram_is_faster(X: Matrix, Y: Matrix) -> bool:
    """Whether reordering a Gram matrix takes less time than the product of the columns."""
    n = len(X)
    return (
        n * n <= LARGEST
        and PRODUCTS * n <= X.shape[1] * Y.shape[1]
        and not (on_accelerator(X) or on_accelerator(Y))
    )


class PermutedGrams:
    r"""Sums over the Gram matrices K of `X` and L of `Y`, for many orders of the rows of `Y`.

    Rows and columns of L are taken in the new order, so that the cost does not depend on the number
    of columns of `X` and `Y`:

    .. math:: \mathrm{tr}(KL) = \sum_i K_{ii} L_{ii} + 2 \sum_{i<j} K_{ij} L_{ij}

    Parameters
    ----------
    X, Y : arrays (n, d)
        As they are paired.
    """

    def __init__(self, X: Matrix, Y: Matrix) -> None:
        x, y = (unit(Z) * centred(Z) for Z in (X, Y))
        K, L = x @ x.T, y @ y.T
        a, b = K.diagonal().copy(), L.diagonal().copy()
        self._diagonals = a, b
        own_x, own_y = SideMoments(K, float(a @ a)), SideMoments(L, float(b @ b))
        self._moments = PairMoments(len(X), own_x, own_y, xy=np.empty((0, 0)))
        self._L = L
        # twice the part above the diagonal, in blocks of rows
        self._blocks = [
            2 * np.triu(K[start : start + BLOCK, start:], k=1) for start in range(0, len(K), BLOCK)
        ]
        self._found = np.empty((min(BLOCK, len(K)), len(K)))

    def __call__(self, order: NDArray[np.intp]) -> PairSums:
        """Return the sums for the rows of Y in this order."""
        a, b = self._diagonals
        self._moments.squares = float(a @ b[order])
        product = self._moments.squares
        for i, block in enumerate(self._blocks):
            rows, columns = order[i * BLOCK : (i + 1) * BLOCK], order[i * BLOCK :]
            found = self._found.ravel()[: block.size].reshape(block.shape)
            np.take(self._L[rows], columns, axis=1, out=found, mode="clip")
            product += float(np.vdot(block, found))
        return linear_sums(self._moments, product)
