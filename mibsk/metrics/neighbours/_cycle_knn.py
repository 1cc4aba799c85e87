"""Cycle k-nearest neighbours: whether a step to a neighbour in each representation returns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from ..._checks.blocks import tiles
from ..._checks.devices import Matrix
from .._description import PLATONIC, SQUARE, Description
from ..statistics import Reordered, Sampled, Values, fast_permutations, with_interval
from ._memberships import Memberships
from ._nearest import Indices, Mask, Neighbours
from ._overlap import Overlap
from ._ties import TiedLists, TiedSearch


def returns(near_x: Indices, near_y: Indices) -> Values:
    """Return 1 for each row that is among the x-neighbours of its y-neighbours, else 0: (n,)."""
    own = np.arange(len(near_x), dtype=near_x.dtype)[:, None]
    found = np.zeros(len(near_x), dtype=bool)
    for step in near_y.T:
        found |= (near_x[step] == own).any(axis=1)
    return found.astype(np.float64)


def return_chances(x_of_y: Values, y: TiedLists) -> Values:
    """Return the probability of each row to return, if ties are broken at random: (t,).

    A row returns unless all of its chosen y-neighbours lack it. They choose independently of each
    other; which of those at the last level are chosen is averaged over, one member after the other.

    Parameters
    ----------
    x_of_y : ndarray (n_neighbours,)
        Probability that a row is among the x-neighbours of each of its y-neighbours.
    y : TiedLists
        The y-neighbours.
    """
    lacks, sure = 1 - x_of_y, y.chances == 1
    stays = np.ones(len(y))
    np.multiply.at(stays, y.rows[sure], lacks[sure])
    rows = y.rows[~sure]
    if not rows.size:
        return 1 - stays
    counts = np.bincount(rows, minlength=len(y))
    places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    member = np.zeros((counts.max(), len(y)))
    member[places, rows] = lacks[~sure]
    room = np.where(counts > 0, y.chosen[np.arange(len(y)), _last_level(y)], 0)
    # mean[r]: that of the products of r of the first members
    mean = np.zeros((room.max() + 1, len(y)))
    mean[0] = 1
    drawn = np.arange(1, len(mean))[:, None]
    for i, lack in enumerate(member, start=1):
        share = np.minimum(drawn / i, 1) * (i <= counts)
        mean[1:] += share * (lack * mean[:-1] - mean[1:])
    return 1 - stays * mean[room, np.arange(len(y))]


def _last_level(lists: TiedLists) -> Indices:
    last: Indices = lists.levels[lists.starts[1:] - 1]
    return last


class _CycleOverlap(Overlap):
    """The mean of returns."""

    def of_lists(self, near_x: Indices, near_y: Indices) -> Values:
        return returns(near_x, near_y)

    def affected(self, x: Neighbours, y: Neighbours) -> Mask:
        return y.tied | x.tied[y.near].any(axis=1)

    def of_tied(self, X: Matrix, Y: Matrix, k: int, rows: Indices) -> Values:
        x, y = Memberships(X, k), TiedSearch(Y, k)
        found = []
        for part in tiles(len(rows), len(X)):
            lists = y(rows[part])
            back = x.tile(rows[part])[2]
            found.append(return_chances(back[lists.rows, lists.columns], lists))
        return np.concatenate(found)

    def reordered_tied(self, X: Matrix, Y: Matrix, k: int) -> Reordered | None:
        x, y = TiedSearch(X, k).of_all(), TiedSearch(Y, k).of_all()
        if x is None or y is None:
            return None
        n = len(x)
        back = csr_array((x.chances, x.columns, x.starts), shape=(n, n)).T.tocsr()

        def mean(order: NDArray[np.intp]) -> float:
            total, lists = 0.0, y.reordered(order)
            for part in tiles(n, n):
                some = lists.of_rows(np.arange(part.start, part.stop))
                chances = back[part].toarray()[some.rows, some.columns]
                total += return_chances(chances, some).sum()
            return float(total / n)

        return mean


_OVERLAP = _CycleOverlap()


@fast_permutations(_OVERLAP.reorder)
@with_interval
def cycle_knn(X: ArrayLike, Y: ArrayLike, *, k: int = 10) -> Sampled:
    r"""Share of rows that are a neighbour, in one representation, of a neighbour in the other.

    .. math:: \frac1n \, \Big| \Big\{ i : i \in \bigcup_{j \in \mathcal N^Y_k(i)}
              \mathcal N^X_k(j) \Big\} \Big|

    where :math:`\mathcal N^X_k(i)` are the `k` rows of `X` with the largest inner product with
    row `i`, itself left out [1]_: from row `i` a step to a neighbour in `Y`, and from there a
    step to a neighbour in `X` that is ``i`` again. It is not symmetric unless neighbourhood is,
    and approaches 1 quickly as `k` grows. Rows and memory are as in :func:`mutual_knn`, and so are
    ties: the value is the mean over all ways to break them, independently for each row and in `X`
    and `Y`.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        The representation of the second step.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        The representation of the first step; row `i` is the partner of row `i` of `X`.
    k : int, default=10
        Number of neighbours, in ``1..n_samples - 1``.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        In [0, 1]. It need not be 1 for equal representations: row `i` may not be a neighbour of any
        of its neighbours. With `ci` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If `k` is out of range or an input is not a finite matrix.

    References
    ----------
    .. [1] Huh et al., "The Platonic Representation Hypothesis", ICML 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import cycle_knn
    >>> angles = np.array([0.0, 0.1, 1.5, 1.7])
    >>> X = np.column_stack([np.cos(angles), np.sin(angles)])
    >>> cycle_knn(X, X, k=1), cycle_knn(X, X[[0, 2, 1, 3]], k=1)
    (1.0, 0.0)
    """
    return _OVERLAP.measure(X, Y, k, (0, 1))


CYCLE_KNN = Description(
    metric=cycle_knn,
    name="cycle_knn",
    title="Cycle k-NN",
    group="alignment",
    better="higher",
    meaning="Share of rows that come back to themselves over neighbours of either side.",
    source=PLATONIC,
    takes_k=True,
    directions=True,
    max_rows=SQUARE,
)
