"""Mean average precision: how early all relevant rows come in the ranking."""

from typing import Any

from numpy.typing import ArrayLike

from .._description import RETRIEVAL, SQUARE, Description
from ..statistics import Sampled, over_values, with_interval
from ._chance import average_precision_by_chance
from ._queries import as_retrieval
from ._ranks import average_precisions


@with_interval
def mean_average_precision(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    labels: tuple[Any, Any] | None = None,
    sample_weight: ArrayLike | None = None,
) -> Sampled:
    r"""Mean over queries of the average precision of the ranked gallery (mAP) [1]_.

    .. math:: \frac1n \sum_i \frac{1}{R_i} \sum_{\text{relevant } j}
              \frac{\#\{\text{relevant rows down to } j\}}{\#\{\text{rows down to } j\}}

    with :math:`R_i` the number of rows that are relevant to query :math:`i`. Of equal scores the
    irrelevant rows come first. If one row is relevant, this is :func:`mean_reciprocal_rank`.
    Memory is bounded: the scores are computed in tiles of rows.

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
        In [0, 1].

    Raises
    ------
    ValueError
        If the shapes of inputs, labels or weights do not fit together, or the weights are
        negative, not finite or all 0.
    TypeError
        If the labels of `X` and of `Y` are of different types, such as integers and strings.

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
    return lambda ci: over_values(values, ci, (0, 1), weights=search.weights)


MEAN_AVERAGE_PRECISION = Description(
    metric=mean_average_precision,
    name="mean_average_precision",
    title="Mean average precision",
    group="retrieval",
    better="higher",
    meaning="How early all rows of the query's class come, not only the first.",
    source=RETRIEVAL,
    of="both ways",
    directions=True,
    one_space=True,
    max_rows=SQUARE,
    by_chance=average_precision_by_chance,
    needs_classes=True,
)
