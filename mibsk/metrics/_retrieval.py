"""Recall at k: how often a partner is among the nearest of the other modality."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ._arrays import (
    as_labels,
    as_matrix,
    as_pair,
    check_k,
    check_same_columns,
    check_weights,
    in_range,
    tiles,
)


def recall_at_k(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    k: int = 1,
    labels: tuple[Any, Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Share of queries in ``X`` that find what they look for among ``k`` rows of ``Y``.

    Row ``i`` of ``X`` is a query, ``Y`` is the gallery, and nearness is the inner product (give
    rows of unit norm for cosine). With :math:`s_i` the best score of a relevant row, the query is a
    hit when fewer than ``k`` irrelevant rows score :math:`s_i` or more. A tie therefore counts
    against the query, so a collapsed representation scores 0 instead of 1. Relevant is the partner,
    row ``i`` of ``Y``; with ``labels``, every row of the query's class.
    Memory is bounded: the scores are worked off in tiles of rows.

    Parameters
    ----------
    X : array-like or tensor of shape (n_queries, n_features)
        Queries.
    Y : array-like or tensor of shape (n_gallery, n_features)
        Gallery; without ``labels``, row ``i`` is the partner of row ``i`` of ``X``.
    k : int, default=1
        Number of rows retrieved, in ``1..n_gallery``.
    labels : tuple of two array-likes of shapes (n_queries,) and (n_gallery,), optional
        Classes of the rows of ``X`` and of ``Y``. The numbers of rows may then differ, and a query
        whose class is not in the gallery is a miss.
    sample_weight : array-like of shape (n_queries,), optional
        How much each query counts, >= 0 and not all 0; by default all the same.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If ``k`` is out of range, the shapes of inputs, labels or weights do not fit together, or
        the weights are negative, not finite or all 0.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import recall_at_k
    >>> X = np.eye(4)
    >>> Y = X[[1, 0, 2, 3]]
    >>> recall_at_k(X, X), recall_at_k(X, Y)
    (1.0, 0.5)
    >>> recall_at_k(X, Y, labels=(["a", "a", "b", "b"], ["a", "a", "b", "b"]))
    1.0
    """
    if labels is None:
        X, Y = as_pair(X, Y)
    else:
        X, Y = as_matrix(X, "X", min_rows=1), as_matrix(Y, "Y", min_rows=1)
        classes_x, classes_y = _shared_codes(labels, len(X), len(Y))
    check_same_columns(X, Y)
    check_k(k, len(Y))
    X, Y = in_range(X), in_range(Y)
    hits = np.empty(len(X), dtype=bool)
    for rows in tiles(len(X), len(Y)):
        scores = X[rows] @ Y.T
        if labels is None:
            partner = scores[np.arange(len(scores)), np.arange(rows.start, rows.stop)]
            rank = (scores >= partner[:, None]).sum(axis=1) - 1  # the partner itself
        else:
            relevant = classes_x[rows, None] == classes_y
            best = np.where(relevant, scores, -np.inf).max(axis=1, keepdims=True)
            rank = ((scores >= best) & ~relevant).sum(axis=1)
        hits[rows] = rank < k
    return float(np.average(hits, weights=check_weights(sample_weight, len(X))))


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
