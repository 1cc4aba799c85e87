"""Recall at k: how often a partner is among the nearest of the other modality."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..._checks.matrices import check_k
from .._metric import metric
from .._resampling import CI, Estimate, over_values
from ._arguments import as_retrieval


@metric("retrieval", compares="both ways", one_space=True)
def recall_at_k(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    k: int = 1,
    labels: tuple[Any, Any] | None = None,
    sample_weight: ArrayLike | None = None,
    ci: CI = None,
) -> float | Estimate:
    r"""Share of queries in ``X`` that find what they look for among ``k`` rows of ``Y``.

    Row ``i`` of ``X`` is a query, ``Y`` is the gallery, and nearness is the inner product (give
    rows of unit norm for cosine). With :math:`s_i` the best score of a relevant row, the query is a
    hit when fewer than ``k`` irrelevant rows score :math:`s_i` or more. A tie therefore counts
    against the query, so a collapsed representation scores 0 instead of 1. Relevant is the partner,
    row ``i`` of ``Y``; with ``labels``, every row of the query's class.
    Memory is bounded, and a query that has missed is not searched to the end.

    Parameters
    ----------
    X : array-like or tensor of shape (n_queries, n_features)
        Queries.
    Y : array-like or tensor of shape (n_gallery, n_features)
        Gallery; without ``labels``, row ``i`` is the partner of row ``i`` of ``X``.
    k : int, default=1
        Number of rows retrieved, in ``1..n_gallery``.
    labels : tuple of two array-likes of shapes (n_queries,) and (n_gallery,), optional
        Classes of the rows of ``X`` and of ``Y``, or the numbers of the things they belong to:
        several captions of one image carry its number. Relevant is then every row of the query's
        class, and the numbers of rows may differ. A query whose
        class is not in the gallery is a miss.
    sample_weight : array-like of shape (n_queries,), optional
        How much each query counts, >= 0 and not all 0; by default all the same.
    ci : float or Bootstrap, optional
        Level of an interval over queries, before the same gallery; see :class:`Bootstrap`.

    Returns
    -------
    float or Estimate
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
    search = as_retrieval(X, Y, labels, sample_weight)
    check_k(k, len(search.Y))
    hits = (search.first_ranks(enough=k) < k).astype(np.float64)
    return over_values(hits, ci, (0, 1), weights=search.weights)
