"""Edit-distance k-nearest neighbours: similarity of two lists of neighbours by edits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._description import PLATONIC, SQUARE, Description
from ..statistics import Sampled, Values, fast_permutations, with_interval
from ._nearest import Indices
from ._overlap import ListOverlap, in_blocks
from ._ties import TiedLists, matches


@in_blocks
def edit_similarity(near_x: Indices, near_y: Indices) -> Values:
    """Return 1 less the edit distance of the two lists of each row, as a share of k: (n,)."""
    x, y = near_x.T, np.ascontiguousarray(near_y.T)  # (k, n): vectorised over the n rows
    edits = np.zeros((len(y) + 1, y.shape[1]), dtype=np.min_scalar_type(-2 * len(y) - 1))
    return _similarity((y != neighbour for neighbour in x), edits)


def expected_similarity(x: TiedLists, y: TiedLists) -> Values:
    """Return the same where places match with a probability: (t,)."""
    places = np.moveaxis(matches(x, y), 0, 2)  # (k, k, t)
    return _similarity((1 - row for row in places), np.zeros((len(places) + 1, len(x))))


def _similarity(differing: Iterable[NDArray[Any]], edits: NDArray[Any]) -> Values:
    """Return 1 less the smallest cost of turning one list into the other, as a share of k: (n,).

    ``edits[j]`` are those between the first ``i`` neighbours in x and the first ``j`` in y. Less
    ``j``, which insertions would cost, the best of all places up to ``j`` is a running minimum.

    Parameters
    ----------
    differing : iterable of ndarray (k, n)
        For each place in x, what it costs to substitute the places in y.
    edits : ndarray (k + 1, n)
        Overwritten.
    """
    k = len(edits) - 1
    inserted = np.arange(k + 1, dtype=edits.dtype)[:, None]
    edits[:] = inserted
    for i, row in enumerate(differing, start=1):
        fewer = edits[:-1] + row
        np.minimum(fewer, edits[1:] + 1, out=fewer)
        edits[0], edits[1:] = i, fewer
        edits -= inserted
        np.minimum.accumulate(edits, axis=0, out=edits)
        edits += inserted
    similarity: Values = 1 - edits[-1] / k
    return similarity


_OVERLAP = ListOverlap(edit_similarity, expected_similarity)


@fast_permutations(_OVERLAP.reorder)
@with_interval
def edit_distance_knn(X: ArrayLike, Y: ArrayLike, *, k: int = 10) -> Sampled:
    r"""Similarity of the two lists of nearest neighbours by edit distance.

    .. math:: 1 - \frac1{nk} \sum_i \mathrm{edit}\big( \mathcal N^X_k(i), \mathcal N^Y_k(i) \big)

    where :math:`\mathcal N^X_k(i)` lists the `k` rows of `X` with the largest inner product
    with row `i`, itself left out, the nearest first [1]_, and the edit distance counts the
    insertions, deletions and substitutions that are needed [2]_. Higher is more alike. Rows and
    memory are as in :func:`mutual_knn`.

    Where rows are equally near, a substitution of place `a` in `X` by place `b` in `Y` costs
    :math:`1 - m_{ab}`, with the probability :math:`m_{ab}` of :func:`lcs_knn` that both are the
    same row; without ties it costs 0 or 1. The value does not depend on the order of the rows, ties
    are no agreement, and it is at most the mean over all ways to break ties.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row `i` is the partner of row `i` of `X`.
    k : int, default=10
        Number of neighbours, in ``1..n_samples - 1``.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        In [0, 1]; 1 for equal representations without ties. With `ci` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If `k` is out of range or an input is not a finite matrix.

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
    return _OVERLAP.measure(X, Y, k, (0, 1))


EDIT_DISTANCE_KNN = Description(
    metric=edit_distance_knn,
    name="edit_distance_knn",
    title="Edit-distance k-NN",
    group="alignment",
    better="higher",
    meaning="How few edits turn one side's list of neighbours into the other's; 1 is none.",
    source=PLATONIC,
    takes_k=True,
    directions=True,
    max_rows=SQUARE,
)
