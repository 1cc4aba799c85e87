"""Mean average precision: how well all that is relevant is ranked above all that is not."""

from typing import Any

from numpy.typing import ArrayLike

from .._metric import metric
from .._resampling import CI, Estimate, over_values
from ._arguments import as_retrieval
from ._ranks import average_precisions


@metric("retrieval", compares="both ways", one_space=True)
def mean_average_precision(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    labels: tuple[Any, Any] | None = None,
    sample_weight: ArrayLike | None = None,
    ci: CI = None,
) -> float | Estimate:
    r"""Mean over queries of the average precision of the ranked gallery (mAP) [1]_.

    .. math:: \frac1n \sum_i \frac{1}{R_i} \sum_{\text{relevant } j}
              \frac{\#\{\text{relevant rows down to } j\}}{\#\{\text{rows down to } j\}}

    with :math:`R_i` the number of rows that are relevant to query :math:`i`. Of equal scores the
    irrelevant rows come first. Where one row is relevant, this is :func:`mean_reciprocal_rank`.
    Memory is bounded: the scores are worked off in tiles of rows.

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
        In [0, 1].

    Raises
    ------
    ValueError
        If the shapes of inputs, labels or weights do not fit together, or the weights are
        negative, not finite or all 0.

    References
    ----------
    .. [1] Manning, Raghavan and Schütze, "Introduction to Information Retrieval", Cambridge
       University Press 2008, section 8.4.

    Examples
    --------
    >>> from mibsk.metrics import mean_average_precision
    >>> gallery = [[3.0], [2.0], [1.0]]
    >>> mean_average_precision([[1.0]], gallery, labels=(["a"], ["a", "b", "a"])) == (1 + 2 / 3) / 2
    True
    """
    search = as_retrieval(X, Y, labels, sample_weight)
    if search.relevance is None:
        values = 1 / (search.first_ranks() + 1.0)
    else:
        values = average_precisions(search.X, search.Y, search.relevance)
    return over_values(values, ci, (0, 1), weights=search.weights)
