"""Median rank: the median over queries of the rank of the first relevant row."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._description import RETRIEVAL, SQUARE, Description
from ..statistics import Sampled, over_values, with_interval
from ._chance import median_rank_by_chance
from ._queries import as_retrieval


@with_interval
def median_rank(X: ArrayLike, Y: ArrayLike, *, labels: tuple[Any, Any] | None = None) -> Sampled:
    r"""Median over queries of the rank of the first relevant row.

    The rank is :math:`1 +` the number of irrelevant rows that score as high as the best relevant
    one or higher: 1 is best, and ties count against the query, as in :func:`recall_at_k`; if all
    scores are equal, it is the number of irrelevant rows plus 1. Of an even number of queries it is
    the mean of both middle ranks, as in `numpy.median`; code that rounds it down, as is common in
    retrieval, returns up to half a rank less. Some code counts ranks from 0.

    Parameters
    ----------
    X : array-like or tensor of shape (n_queries, n_features)
        Queries.
    Y : array-like or tensor of shape (n_gallery, n_features)
        Gallery; without `labels`, row `i` is the partner of row `i` of `X`.
    labels : tuple of two array-likes of shapes (n_queries,) and (n_gallery,), default=None
        Classes of the rows of `X` and of `Y`; several captions of one image may share its number.
        All rows of the query's class are then relevant, and the numbers of rows may differ. A
        query whose class is not in the gallery has rank ``n_gallery + 1``.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval over queries, with a fixed gallery; see :class:`Bootstrap`.

    Returns
    -------
    float or Estimate
        At least 1; about ``n_gallery / 2`` for independent representations.

    Raises
    ------
    ValueError
        If the shapes of inputs or labels do not fit together.
    TypeError
        If the labels of `X` and of `Y` are of different types, such as integers and strings.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import median_rank
    >>> median_rank(np.eye(5), np.eye(5)), median_rank(np.ones((5, 2)), np.ones((5, 2)))
    (1.0, 5.0)
    """
    search = as_retrieval(X, Y, labels, None)
    ranks = search.first_ranks() + 1.0
    return lambda ci: over_values(
        ranks,
        ci,
        (1, len(search.Y) + 1),
        statistic=lambda drawn: np.median(drawn, axis=-1),
        centred=False,
    )


MEDIAN_RANK = Description(
    metric=median_rank,
    name="median_rank",
    title="Median rank",
    group="retrieval",
    better="lower",
    meaning="Half of the queries find what they look for at this place or before; 1 is best.",
    source=RETRIEVAL,
    of="both ways",
    directions=True,
    one_space=True,
    span="rank",
    max_rows=SQUARE,
    by_chance=median_rank_by_chance,
)
