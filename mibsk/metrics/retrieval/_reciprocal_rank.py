"""Mean reciprocal rank: how early the first relevant row comes in the ranking."""

from typing import Any

from numpy.typing import ArrayLike

from .._description import SQUARE, Description
from ..statistics import Sampled, over_values, with_interval
from ._chance import reciprocal_rank_by_chance
from ._queries import as_retrieval


@with_interval
def mean_reciprocal_rank(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    labels: tuple[Any, Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> Sampled:
    r"""Mean over queries of one over the rank of the first relevant row (MRR) [1]_.

    .. math:: \frac1n \sum_i \frac{1}{r_i}, \qquad r_i = 1 + \#\{\text{irrelevant } j :
              x_i \cdot y_j \ge \max_{\text{relevant } l} x_i \cdot y_l\}

    Ties count against the query, as in :func:`recall_at_k`.

    Parameters
    ----------
    X : array-like or tensor of shape (n_queries, n_features)
        Queries.
    Y : array-like or tensor of shape (n_gallery, n_features)
        Gallery; without `labels`, row `i` is the partner of row `i` of `X`.
    labels : tuple of two array-likes of shapes (n_queries,) and (n_gallery,), default=None
        Classes of the rows of `X` and of `Y`; several captions of one image may share its number.
        All rows of the query's class are then relevant, and the numbers of rows may differ. A
        query whose class is not in the gallery counts 0.
    sample_weight : array-like of shape (n_queries,), default=None
        Weights of the queries, >= 0 and not all 0; None: equal weights.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval over queries, with a fixed gallery; see :class:`Bootstrap`.

    Returns
    -------
    float or Estimate
        In (0, 1]; 0 if no query has a relevant row.

    Raises
    ------
    ValueError
        If the shapes of inputs, labels or weights do not fit together, or the weights are
        negative, not finite or all 0.
    TypeError
        If the labels of `X` and of `Y` are of different types, such as integers and strings.

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
    return lambda ci: over_values(found / (ranks + 1.0), ci, (0, 1), weights=search.weights)


MEAN_RECIPROCAL_RANK = Description(
    metric=mean_reciprocal_rank,
    name="mean_reciprocal_rank",
    title="Mean reciprocal rank",
    group="retrieval",
    better="higher",
    meaning="Mean of 1 over the place of the first hit; with one partner the same as mAP.",
    source='Voorhees, "The TREC-8 Question Answering Track Report", TREC 1999',
    of="both ways",
    directions=True,
    one_space=True,
    max_rows=SQUARE,
    by_chance=reciprocal_rank_by_chance,
)
