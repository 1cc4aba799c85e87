"""Class labels as one-hot rows that are made when they are read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class OneHot:
    """One-hot rows (n, n_classes) of class labels, of which only the codes are in memory.

    It has what code that reads an array in chunks needs: `shape`, `dtype`, and rows by index.

    Parameters
    ----------
    codes : ndarray of int (n,)
        Class of each row, from 0.
    n_classes : int
        Number of classes.
    """

    ndim = 2
    dtype = np.dtype(np.float32)

    def __init__(self, codes: NDArray[np.intp], n_classes: int) -> None:
        self.codes, self.n_classes = codes, n_classes

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of classes."""
        return len(self.codes), self.n_classes

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.codes) * self.n_classes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        """Return the rows of a slice, or of an array of indices or booleans, as an array."""
        codes = self.codes[rows]
        found = np.zeros((len(codes), self.n_classes), np.float32)
        found[np.arange(len(codes)), codes] = 1
        return found
