"""Edit-distance k-nearest neighbours: how few edits make one list of neighbours the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._metric import metric
from .._resampling import CI, Estimate
from ._overlap import Values, in_blocks, mean_overlap
from ._search import Indices


@metric("alignment")
def edit_distance_knn(
    X: ArrayLike, Y: ArrayLike, *, k: int = 10, ci: CI = None
) -> float | Estimate:
    r"""Similarity of the two lists of nearest neighbours, by the edits that set them apart.

    .. math:: 1 - \frac1{nk} \sum_i \mathrm{edit}\big( \mathcal N^X_k(i), \mathcal N^Y_k(i) \big)

    where :math:`\mathcal N^X_k(i)` lists the ``k`` rows of ``X`` with the largest inner product
    with row ``i``, itself left out, the nearest first [1]_, and the edit distance counts the
    insertions, deletions and substitutions that are needed [2]_. Higher is more alike. Rows, ties
    and memory are as in :func:`mutual_knn`.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row ``i`` is the partner of row ``i`` of ``X``.
    k : int, default=10
        Number of neighbours, in ``1..n_samples - 1``.
    ci : float or Bootstrap, optional
        Level of an interval, such as 0.95, or how it is made; by default none is.

    Returns
    -------
    float or Estimate
        In [0, 1]; 1 for equal representations. With ``ci`` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If ``k`` is out of range or an input is not a finite matrix.

    References
    ----------
    .. [1] Huh et al., "The Platonic Representation Hypothesis", ICML 2024.
    .. [2] Levenshtein, "Binary Codes Capable of Correcting Deletions, Insertions, and Reversals",
       Soviet Physics Doklady 10, 1966.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import edit_distance_knn
    >>> X = np.random.default_rng(0).standard_normal((50, 3))
    >>> edit_distance_knn(X, 5 * X, k=4)
    1.0
    """
    return mean_overlap(edit_similarity, X, Y, k, ci, (0, 1))


@in_blocks
def edit_similarity(near_x: Indices, near_y: Indices) -> Values:
    """Return 1 less the edit distance of the two lists of each row, as a share of k: (n,).

    ``edits[j]`` are those between the first ``i`` neighbours in x and the first ``j`` in y. Less
    ``j``, which insertions would cost, the best of all places up to ``j`` is a running minimum.
    """
    x, y = near_x.T, np.ascontiguousarray(near_y.T)  # (k, n): a whole row per neighbour
    k, n = y.shape
    inserted = np.arange(k + 1, dtype=np.int32)[:, None]
    edits = np.repeat(inserted, n, axis=1)
    for i, neighbour in enumerate(x, start=1):
        fewer = edits[:-1] + (y != neighbour)
        np.minimum(fewer, edits[1:] + 1, out=fewer)
        edits[0], edits[1:] = i, fewer
        edits -= inserted
        np.minimum.accumulate(edits, axis=0, out=edits)
        edits += inserted
    similarity: Values = 1 - edits[-1] / k
    return similarity
