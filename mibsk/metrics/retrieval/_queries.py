"""Input checks of retrieval metrics: queries, gallery, relevance and weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..._checks.devices import FloatMatrix, Matrix, on_one_device
from ..._checks.labels import as_labels, check_one_type, check_weights
from ..._checks.matrices import as_matrix, as_pair, check_same_columns
from ..._checks.row_names import check_row_names
from .._kept import is_kept, kept
from ._ranks import Relevance, first_ranks


class Retrieval(NamedTuple):
    """Checked queries and gallery, on one device."""

    X: Matrix  # (n, d)
    Y: Matrix  # (m, d)
    relevance: Relevance | None  # None: row i of Y is relevant to row i of X
    weights: FloatMatrix | None  # (n,)

    def first_ranks(self, enough: int | None = None) -> np.ndarray:
        """Return how many irrelevant rows come before each query's best relevant one, (n,)."""
        if not is_kept():
            return first_ranks(self.X, self.Y, self.relevance, enough=enough)
        classes = None if self.relevance is None else tuple(c.tobytes() for c in self.relevance)
        return kept(
            lambda: first_ranks(self.X, self.Y, self.relevance),
            self.X,
            self.Y,
            key=("ranks", classes),
        )


def as_retrieval(X: Any, Y: Any, labels: Any, sample_weight: Any) -> Retrieval:
    """Check the arguments that all retrieval metrics share."""
    relevance = None
    check_row_names({"X": X, "sample_weight": sample_weight})
    if labels is None:
        X, Y = as_pair(X, Y)
    else:
        _check_pair(labels)
        for Z, what, own in zip((X, Y), "XY", (0, 1), strict=True):
            check_row_names({what: Z, f"labels[{own}]": labels[own]})
        X, Y = as_matrix(X, "X", min_rows=1), as_matrix(Y, "Y", min_rows=1)
        relevance = Relevance(*_shared_codes(labels, len(X), len(Y)))
        X, Y = on_one_device(X, Y)
    check_same_columns(X, Y)
    return Retrieval(X, Y, relevance, check_weights(sample_weight, len(X)))


def _check_pair(labels: Any) -> None:
    if not isinstance(labels, tuple) or len(labels) != 2:
        raise TypeError(
            f"labels must be a tuple (labels of X, labels of Y), got {type(labels).__name__}."
        )


def _shared_codes(labels: tuple[Any, Any], n_x: int, n_y: int) -> tuple[np.ndarray, np.ndarray]:
    """Return class codes of queries and gallery, equal for equal classes."""
    of_x, of_y = as_labels(labels[0], n_x, "labels[0]"), as_labels(labels[1], n_y, "labels[1]")
    check_one_type({"labels[0]": of_x, "labels[1]": of_y})
    x, y = of_x.to_numpy(), of_y.to_numpy()
    both = np.empty(n_x + n_y, dtype=np.result_type(x, y) if x.dtype.kind == y.dtype.kind else "O")
    both[:n_x], both[n_x:] = x, y
    codes, _ = pd.factorize(both)
    return codes[:n_x], codes[n_x:]
