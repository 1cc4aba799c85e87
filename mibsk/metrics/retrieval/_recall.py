"""Recall at k: how often a relevant row is among the k nearest of the other modality."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..._checks.parameters import check_k
from .._description import RETRIEVAL, SQUARE, Description
from ..statistics import Sampled, over_values, with_interval
from ._chance import recall_by_chance
from ._queries import as_retrieval


@with_interval
def recall_at_k(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    k: int = 1,
    labels: tuple[Any, Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> Sampled:
    r"""Share of queries in `X` with a relevant row among the `k` nearest rows of `Y`.

    Row `i` of `X` is a query, `Y` is the gallery, and nearness is the inner product (pass rows of
    unit norm for the cosine). With :math:`s_i` the best score of a relevant row, the query is a hit
    if fewer than `k` irrelevant rows score :math:`s_i` or more. A tie therefore counts against the
    query, and a collapsed representation scores 0 instead of 1. The partner, row `i` of `Y`, is
    relevant; with `labels`, every row of the query's class. Memory is bounded, and the search for a
    query ends once it has missed.

    With `labels` this is a hit rate: one relevant row among the `k` nearest suffices. It is also
    called success at k, accuracy at k or top-k accuracy, and is the "recall@k" of image retrieval
    by captions; the share of all relevant rows among the `k` nearest, which information retrieval
    calls recall, is another measure. Code that sorts the scores breaks ties by the order of the
    rows, and so may count any of equal rows as a hit.

    Parameters
    ----------
    X : array-like or tensor of shape (n_queries, n_features)
        Queries.
    Y : array-like or tensor of shape (n_gallery, n_features)
        Gallery; without `labels`, row `i` is the partner of row `i` of `X`.
    k : int, default=1
        Number of rows retrieved, in ``1..n_gallery``.
    labels : tuple of two array-likes of shapes (n_queries,) and (n_gallery,), default=None
        Classes of the rows of `X` and of `Y`; several captions of one image may share its number.
        All rows of the query's class are then relevant, and the numbers of rows may differ. A
        query whose class is not in the gallery is a miss.
    sample_weight : array-like of shape (n_queries,), default=None
        Weights of the queries, >= 0 and not all 0; None: equal weights.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval over queries, with a fixed gallery; see :class:`Bootstrap`.

    Returns
    -------
    float or Estimate
        In [0, 1].

    Raises
    ------
    ValueError
        If `k` is out of range, the shapes of inputs, labels or weights do not fit together, or
        the weights are negative, not finite or all 0.
    TypeError
        If the labels of `X` and of `Y` are of different types, such as integers and strings.

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
    return lambda ci: over_values(hits, ci, (0, 1), weights=search.weights)


RECALL_AT_K = tuple(
    Description(
        metric=recall_at_k,
        name=f"recall_at_{k}",
        title=f"Recall@{k}",
        group="retrieval",
        better="higher",
        meaning=meaning,
        source=RETRIEVAL,
        of="both ways",
        directions=True,
        one_space=True,
        max_rows=SQUARE,
        arguments={"k": k},
        by_chance=partial(recall_by_chance, k=k),
    )
    for k, meaning in (
        (1, "Share of queries whose nearest row is what they look for."),
        (5, "The same among the five nearest."),
        (10, "The same among the ten nearest."),
    )
)
