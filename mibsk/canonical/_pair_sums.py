"""Sums over the rows that have both of two modalities, where rows lack modalities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Present = NDArray[np.bool_]


@dataclass(frozen=True)
class PairSums:
    """What second moments need of each pair of modalities, if some rows lack one of them.

    Parameters
    ----------
    counts : ndarray of int (M, M)
        Number of rows that have both modalities; of one, on the diagonal.
    totals : ndarray (M, D)
        Sum of the rows that have each modality, with 0 for the columns that they lack.
    squares : tuple of ndarray (M, p_m, p_m)
        Of each modality, the sums of the outer products of its columns over the rows that also have
        each other one; over all that have it, in its own place.
    """

    counts: NDArray[np.intp]
    totals: Matrix
    squares: tuple[Matrix, ...]

    @classmethod
    def of_rows(cls, parts: Sequence[slice], rows: Matrix, present: Present) -> PairSums:
        """Return the sums of rows (n, D), which are 0 where `present` (n, M) is False."""
        squares = []
        for m, part in enumerate(parts):
            columns, masks = rows[present[:, m], part], present[present[:, m]]
            whole = columns.T @ columns
            each = [whole if mask.all() else columns[mask].T @ columns[mask] for mask in masks.T]
            squares.append(np.stack(each))
        numbers = present.astype(np.float64)
        counts = (numbers.T @ numbers).astype(np.intp)
        return cls(counts, numbers.T @ rows, tuple(squares))

    @classmethod
    def of_complete(
        cls, parts: Sequence[slice], n: int, total: Matrix, products: Matrix
    ) -> PairSums:
        """Return the sums of `n` rows that have all modalities, from their moments."""
        m = len(parts)
        squares = tuple(np.repeat(products[None, part, part], m, axis=0) for part in parts)
        return cls(np.full((m, m), n, dtype=np.intp), np.tile(total, (m, 1)), squares)

    def __add__(self, other: PairSums) -> PairSums:
        pairs = zip(self.squares, other.squares, strict=True)
        return PairSums(
            self.counts + other.counts, self.totals + other.totals, tuple(a + b for a, b in pairs)
        )

    def __sub__(self, other: PairSums) -> PairSums:
        pairs = zip(self.squares, other.squares, strict=True)
        return PairSums(
            self.counts - other.counts, self.totals - other.totals, tuple(a - b for a, b in pairs)
        )

    def rescaled(self, parts: Sequence[slice], scale: Matrix) -> PairSums:
        """Return the sums of the columns divided by `scale` (D,)."""
        squares = tuple(
            each / np.outer(scale[part], scale[part])
            for each, part in zip(self.squares, parts, strict=True)
        )
        return replace(self, totals=self.totals / scale, squares=squares)

    def own_scatter(self, parts: Sequence[slice], m: int, k: int) -> Matrix:
        """Return the scatter (p_m, p_m) of the modality `m` in the rows that also have `k`."""
        total = self.totals[k, parts[m]]
        scatter: Matrix = self.squares[m][k] - np.outer(total, total / max(self.counts[m, k], 1))
        return scatter

    def cross_scatter(self, parts: Sequence[slice], products: Matrix, m: int, k: int) -> Matrix:
        """Return the scatter (p_m, p_k) of two modalities in the rows that have both."""
        left, right = self.totals[k, parts[m]], self.totals[m, parts[k]]
        scatter: Matrix = products[parts[m], parts[k]] - np.outer(
            left, right / max(self.counts[m, k], 1)
        )
        return scatter
