"""Median rank: the place in the list by which half of the queries have found what they look for."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._metric import metric
from .._resampling import CI, Estimate, over_values
from ._arguments import as_retrieval


@metric("retrieval", better="lower", compares="both ways", one_space=True)
def median_rank(
    X: ArrayLike, Y: ArrayLike, *, labels: tuple[Any, Any] | None = None, ci: CI = None
) -> float | Estimate:
    r"""Median over queries of the rank of the first relevant row.

    The rank is :math:`1 +` the number of irrelevant rows that score as high as the best relevant
    one or higher: 1 is best, and ties count against the query, as in :func:`recall_at_k`.

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
        class is not in the gallery has rank ``n_gallery + 1``.
    ci : float or Bootstrap, optional
        Level of an interval over queries, before the same gallery; see :class:`Bootstrap`.

    Returns
    -------
    float or Estimate
        At least 1; about ``n_gallery / 2`` for independent representations.

    Raises
    ------
    ValueError
        If the shapes of inputs or labels do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import median_rank
    >>> median_rank(np.eye(5), np.eye(5)), median_rank(np.ones((5, 2)), np.ones((5, 2)))
    (1.0, 5.0)
    """
    search = as_retrieval(X, Y, labels, None)
    ranks = search.first_ranks() + 1.0
    return over_values(
        ranks,
        ci,
        (1, len(search.Y) + 1),
        statistic=lambda drawn: np.median(drawn, axis=-1),
        centred=False,
    )
