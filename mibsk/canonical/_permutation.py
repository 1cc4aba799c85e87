"""Permutation test of the number of canonical directions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from ._directions import Whitening, directions
from ._information import ROWS_PER_COLUMN
from ._joint_covariance import FLOOR
from ._moments import Matrix, Moments, near_mean
from ._pair_sums import Present

DIRECTIONS_AT_A_TIME = 8


class DirectionsTest(NamedTuple):
    """Result of a permutation test of the number of directions.

    Parameters
    ----------
    n_components : int
        Number of directions whose p-value is at most the level.
    p_values : ndarray (n_tested,)
        p-value of each direction, strongest first, up to the first that exceeds the level.
    statistics : ndarray (n_tested,)
        Information of the direction and all weaker ones, in nats.
    """

    n_components: int
    p_values: Matrix
    statistics: Matrix


def permutation_test(
    rows: Sequence[Matrix],
    *,
    n_components: int,
    n_permutations: int,
    level: float,
    rng: np.random.Generator,
    rows_together: int = 1,
    present: Sequence[Present] | None = None,
) -> DirectionsTest:
    r"""Test canonical directions one after the other, against permutations of the rows.

    The statistic of direction k is the Gaussian information of the modalities in the directions
    from k on, in nats, :math:`-\frac12 \log\det R`, where `R` has the correlations of the whitened
    modalities as blocks; for two modalities it is the logarithm of the statistic of Wilks. The rows
    of all modalities but the first are permuted, and the p-value of a direction is at least that of
    the directions before it [1]_.

    There is no ridge if there are at least two rows per column, and otherwise one of the mean
    variance of each modality: one chosen on the same pairs would favour them over permuted ones.
    With a ridge only the first p-value is exact, since the later directions retain some of the
    information in the earlier ones.

    Parameters
    ----------
    rows : sequence of ndarray (n, p_m)
        Rows of each modality.
    n_components : int
        Largest number of directions to test.
    n_permutations : int
        Number of permutations for each direction.
    level : float
        Level of the test.
    rng : Generator
        Generator of the permutations.
    rows_together : int, default=1
        Number of successive rows that are permuted as a whole, of which `n` is a multiple: the size
        of groups of rows that are not independent. 1 if rows lack modalities.
    present : sequence of ndarray of bool (n,), default=None
        Which rows have each modality; None: all have all. The rows that have a modality are
        permuted among themselves, and two modalities are compared in the rows that have both.

    References
    ----------
    .. [1] Winkler, Renaud, Smith and Nichols, "Permutation inference for canonical correlation
       analysis", NeuroImage 220, 2020.
    """
    widths = [X.shape[1] for X in rows]
    if present is not None and all(mask.all() for mask in present):
        present = None
    mean = near_mean(rows, present)
    joined = np.concatenate(rows, axis=1) - mean
    has = None
    if present is not None:
        has = np.stack(present, axis=1)
        joined[~np.repeat(has, widths, axis=1)] = 0.0
    moments = Moments.of_rows(widths, mean, joined, has)
    whitening = Whitening.of(moments)
    of_pairs = moments.counts[np.tril_indices(len(widths), -1)]
    n_pairs = min((n for n in of_pairs if n > 1), default=0)
    ridge = 0.0 if n_pairs >= ROWS_PER_COLUMN * sum(whitening.ranks) else 1.0
    ridges = [ridge] * len(widths)
    roots = whitening.inverse_roots(ridges)
    maps, _, _ = directions(whitening, ridges, n_components)
    white = [
        joined[:, part] @ (axes * root) / np.sqrt(moments.n)
        for part, axes, root in zip(moments.parts, whitening.axes, roots, strict=True)
    ]
    places = [np.arange(moments.n)] * len(rows)
    if present is not None:
        places = [np.flatnonzero(mask) for mask in present]
    scale = moments.n / np.maximum(moments.counts, 1)
    vectors = [A / root[:, None] for A, root in zip(maps, roots, strict=True)]
    n_directions = maps[0].shape[1]
    # in a basis of which the directions are the first vectors, those from k on are a block
    white = [X @ _completed(V) for X, V in zip(white, vectors, strict=True)]
    statistics, p_values = np.empty(0), np.empty(0)
    # the products of permuted rows serve several directions
    for first in range(0, n_directions, DIRECTIONS_AT_A_TIME):
        tested = range(first, min(first + DIRECTIONS_AT_A_TIME, n_directions))
        observed = _informations(white, tested, scale)
        exceeding = np.zeros(len(tested))
        for _ in range(n_permutations):
            permuted = [white[0]]
            for T, rows_of in zip(white[1:], places[1:], strict=True):
                permuted.append(np.zeros_like(T))
                permuted[-1][rows_of] = T[rows_of[_order(len(rows_of), rows_together, rng)]]
            exceeding += _informations(permuted, tested, scale) >= observed
        statistics = np.append(statistics, observed)
        p_values = np.append(p_values, (1 + exceeding) / (1 + n_permutations))
        if p_values.max() > level:
            break
    p_values = np.maximum.accumulate(p_values)
    n_found = int((p_values <= level).sum())
    n_tested = min(n_found + 1, len(p_values))
    return DirectionsTest(n_found, p_values[:n_tested], statistics[:n_tested])


def _order(n: int, rows_together: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return a random order of `n` rows, in which some successive ones stay together."""
    starts = rng.permutation(n // rows_together) * rows_together
    return (starts[:, None] + np.arange(rows_together)).ravel()


def _completed(vectors: Matrix) -> Matrix:
    """Return an orthonormal basis whose first vectors span what the first columns span."""
    basis: Matrix = np.linalg.qr(vectors, mode="complete")[0]
    return basis


def _informations(white: Sequence[Matrix], tested: range, scale: Matrix) -> Matrix:
    """Return the information of whitened modalities (n, r_m) in their columns from each k on.

    `scale` (M, M) is the number of rows relative to that of the rows that have both modalities.
    """
    pairs = list(combinations(range(len(white)), 2))
    first = tested.start
    widths = [X.shape[1] - first for X in white]
    ends = np.cumsum([0, *widths])
    R = np.eye(ends[-1])
    for m, k in pairs:
        block = white[m][:, first:].T @ white[k][:, first:] * scale[m, k]
        R[ends[m] : ends[m + 1], ends[k] : ends[k + 1]] = block
        R[ends[k] : ends[k + 1], ends[m] : ends[m + 1]] = block.T
    place = np.concatenate([np.arange(width) for width in widths])  # of a column in its modality
    if (scale == 1).all():
        return _from_each(R, place, len(tested))
    parts = [np.flatnonzero(place >= k) for k in range(len(tested))]
    # blocks of different rows need not be those of a covariance
    values = [np.clip(np.linalg.eigvalsh(R[np.ix_(part, part)]), FLOOR, None) for part in parts]
    return np.array([-0.5 * np.log(each).sum() for each in values])


def _from_each(R: Matrix, place: NDArray[np.intp], n_tested: int) -> Matrix:
    """Return half the negative log-determinants of R without the first 0, 1, ... directions.

    If the first directions come last, these are leading blocks, and the diagonal of one Cholesky
    factor has the determinants of all.
    """
    order = np.argsort(-np.minimum(place, n_tested - 1), kind="stable")
    root, failed = lapack.dpotrf(R[np.ix_(order, order)], lower=1, overwrite_a=1)
    if failed:  # modalities that determine each other
        parts = [np.flatnonzero(place >= k) for k in range(n_tested)]
        return np.array([-0.5 * np.linalg.slogdet(R[np.ix_(part, part)])[1] for part in parts])
    logs = np.log(np.diag(root)).cumsum()
    ends = [np.count_nonzero(place >= k) for k in range(n_tested)]
    return -logs[np.array(ends) - 1]
