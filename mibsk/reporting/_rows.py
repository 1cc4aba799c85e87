"""The rows that a metric is given: all or some of them, as they are or scaled to unit length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._checks.matrices import Matrix
from ..metrics.rows import take_rows, unit_rows


class Rows:
    """Two sides, row by row partners, and random parts of them.

    Parameters
    ----------
    X, Y : arrays or tensors (n, d)
        The sides.
    random_state : int
        Seed of the choice of rows. A smaller part is within every larger one.
    """

    def __init__(self, X: Matrix, Y: Matrix, random_state: int) -> None:
        self._sides = (X, Y)
        self.n_columns = (X.shape[1], Y.shape[1])
        self._order = np.random.default_rng(random_state).permutation(len(X))
        self._made: dict[tuple[int, bool], tuple[Matrix, Matrix]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def numbers(self, n: int) -> NDArray[np.intp]:
        """Return the numbers of `n` rows, sorted."""
        return np.sort(self._order[:n]) if n < len(self) else np.arange(len(self))

    def take(self, n: int, *, unit: bool) -> tuple[Matrix, Matrix]:
        """Return `n` rows of both sides, scaled to unit length if `unit`."""
        if (n, unit) not in self._made:
            if unit:
                X, Y = self.take(n, unit=False)
                self._made[n, unit] = unit_rows(X), unit_rows(Y)
            elif n < len(self):
                X, Y = (take_rows(Z, self.numbers(n)) for Z in self._sides)
                self._made[n, unit] = X, Y
            else:
                self._made[n, unit] = self._sides
        return self._made[n, unit]
