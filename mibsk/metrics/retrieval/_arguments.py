"""The door of retrieval: queries, gallery, what is relevant to which query, and weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..._checks.matrices import (
    FloatMatrix,
    Matrix,
    as_labels,
    as_matrix,
    as_pair,
    check_same_columns,
    check_weights,
    on_one_device,
)
from ._ranks import Relevance, first_ranks


class Retrieval(NamedTuple):
    """Checked queries and gallery, on one device."""

    X: Matrix  # (n, d)
    Y: Matrix  # (m, d)
    relevance: Relevance | None  # None: row i of Y is relevant to row i of X
    weights: FloatMatrix | None  # (n,)

    def first_ranks(self, enough: int | None = None) -> np.ndarray:
        """Return how many irrelevant rows come before each query's best relevant one, (n,)."""
        return first_ranks(self.X, self.Y, self.relevance, enough=enough)


def as_retrieval(X: Any, Y: Any, labels: Any, sample_weight: Any) -> Retrieval:
    """Check what every retrieval metric is given."""
    relevance = None
    if labels is None:
        X, Y = as_pair(X, Y)
    else:
        X, Y = as_matrix(X, "X", min_rows=1), as_matrix(Y, "Y", min_rows=1)
        relevance = Relevance(*_shared_codes(labels, len(X), len(Y)))
        X, Y = on_one_device(X, Y)
    check_same_columns(X, Y)
    return Retrieval(X, Y, relevance, check_weights(sample_weight, len(X)))


def _shared_codes(labels: tuple[Any, Any], n_x: int, n_y: int) -> tuple[np.ndarray, np.ndarray]:
    """Return class codes of both sides, numbered alike."""
    if not isinstance(labels, tuple) or len(labels) != 2:
        raise TypeError(
            f"labels must be a tuple (labels of X, labels of Y), got {type(labels).__name__}"
        )
    x = as_labels(labels[0], n_x, "labels[0]").to_numpy()
    y = as_labels(labels[1], n_y, "labels[1]").to_numpy()
    both = np.empty(n_x + n_y, dtype=np.result_type(x, y) if x.dtype.kind == y.dtype.kind else "O")
    both[:n_x], both[n_x:] = x, y
    codes, _ = pd.factorize(both)
    return codes[:n_x], codes[n_x:]
