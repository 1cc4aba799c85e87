"""Mean reciprocal rank: how far down the list the first right answer stands."""

from typing import Any

from numpy.typing import ArrayLike

from .._metric import metric
from .._resampling import CI, Estimate, over_values
from ._arguments import as_retrieval


@metric("retrieval", compares="both ways", one_space=True)
def mean_reciprocal_rank(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    labels: tuple[Any, Any] | None = None,
    sample_weight: ArrayLike | None = None,
    ci: CI = None,
) -> float | Estimate:
    r"""Mean over queries of one over the rank of the first relevant row (MRR) [1]_.

    .. math:: \frac1n \sum_i \frac{1}{r_i}, \qquad r_i = 1 + \#\{\text{irrelevant } j :
              x_i \cdot y_j \ge \max_{\text{relevant } l} x_i \cdot y_l\}

    Ties count against the query, as in :func:`recall_at_k`.

    Parameters
    ----------
    X : array-like or tensor of shape (n_queries, n_features)
        Queries.
    Y : array-like or tensor of shape (n_gallery, n_features)
        Gallery; without ``labels``, row ``i`` is the partner of row ``i`` of ``X``.
    labels : tuple of two array-likes of shapes (n_queries,) and (n_gallery,), optional
        Classes of the rows of ``X`` and of ``Y``, or the numbers of the things they belong to:
        several captions of one image carry its number. Relevant is then every row of the query's
        class, and the numbers of rows may differ. A query whose
        class is not in the gallery counts 0.
    sample_weight : array-like of shape (n_queries,), optional
        How much each query counts, >= 0 and not all 0; by default all the same.
    ci : float or Bootstrap, optional
        Level of an interval over queries, before the same gallery; see :class:`Bootstrap`.

    Returns
    -------
    float or Estimate
        In (0, 1], or 0 if nothing can be found.

    Raises
    ------
    ValueError
        If the shapes of inputs, labels or weights do not fit together, or the weights are
        negative, not finite or all 0.

    References
    ----------
    .. [1] Voorhees, "The TREC-8 Question Answering Track Report", TREC 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import mean_reciprocal_rank
    >>> X = np.eye(3) + np.eye(3)[[1, 2, 0]] / 2
    >>> mean_reciprocal_rank(X, np.eye(3)), mean_reciprocal_rank(X, np.eye(3)[[1, 2, 0]])
    (1.0, 0.5)
    """
    search = as_retrieval(X, Y, labels, sample_weight)
    ranks = search.first_ranks()
    found = ranks < len(search.Y)
    return over_values(found / (ranks + 1.0), ci, (0, 1), weights=search.weights)
