"""Sparse rows as padded rectangular arrays, the input of torch and ONNX encoders."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp


def pad_csr(X: sp.csr_array, rows: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
    """Return column indices (int64) and values (float32) of the given rows, both (n, L).

    ``L`` is the largest number of stored values of a row, at least 1; shorter rows are padded
    with column 0 and value 0, which adds nothing to a weighted sum.
    """
    chosen = X[rows]
    lengths = np.diff(chosen.indptr)
    longest = max(int(lengths.max(initial=0)), 1)
    stored = np.arange(longest) < lengths[:, None]
    indices = np.zeros(stored.shape, np.int64)
    values = np.zeros(stored.shape, np.float32)
    indices[stored] = chosen.indices
    values[stored] = chosen.data
    return indices, values
