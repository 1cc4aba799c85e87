"""The information of directions, by the modalities that carry them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from ..statistics import Estimate
from ._held_out import Matrix, fisher_interval

SHARE = 0.05  # of the largest squared correlation of a direction: less is not shared by all
SMALLEST = 1e-12  # eigenvalue whose logarithm is still taken
NEGATIVE = -1e-9  # eigenvalue below which a matrix is that of no joint distribution

Subset = tuple[str, ...]


def multi_information(correlations: Matrix) -> Matrix:
    r"""Return the information of Gaussian variables, in nats (...,).

    That of the correlation matrix `R` is :math:`-\frac12 \log\det R`. Correlations of different
    rows may be those of no joint distribution, or not be known (NaN) of variables that no rows have
    in common. The information is then that of the tree of pairs with the most of it [1]_, a lower
    bound.

    Parameters
    ----------
    correlations : ndarray (..., M, M)
        Correlation matrices.

    References
    ----------
    .. [1] Chow and Liu, "Approximating Discrete Probability Distributions with Dependence Trees",
       IEEE Transactions on Information Theory 14, 1968.
    """
    known = np.nan_to_num(correlations)
    values = np.linalg.eigvalsh(known)
    found: Matrix = -0.5 * np.log(np.clip(values, SMALLEST, None)).sum(axis=-1)
    no_joint = (values[..., 0] < NEGATIVE) | np.isnan(correlations).any(axis=(-2, -1))
    for i in zip(*np.nonzero(no_joint), strict=True):
        pairs = -0.5 * np.log(np.clip(1 - known[i] ** 2, SMALLEST, None))
        found[i] = -minimum_spanning_tree(-np.tril(pairs, -1)).sum()
    return found


def carriers(
    correlations: Matrix, n: Matrix | float, inflation: Matrix | float, level: float
) -> NDArray[np.intp]:
    """Return which modalities carry each direction together, as numbers of their sets (c, M).

    Two modalities carry it together if their correlation is distinguishable from zero, and its
    square at least 5 % of the largest one of the direction, or if both do so with a third one.
    Without the second condition, many rows make significant what directions have of each other that
    are told apart nearly, but not exactly. A modality on its own has a number that no other has.

    Parameters
    ----------
    correlations : ndarray (c, M, M)
        Correlations of the variates of each direction on held-out rows.
    n : ndarray (c, M, M) or float
        Number of independent rows of each correlation.
    inflation : ndarray (c, M, M) or float
        Standard errors relative to those of independent rows.
    level : float
        Level of the intervals of all pairs of a direction (Bonferroni).
    """
    n_modalities = correlations.shape[-1]
    n_pairs = max(n_modalities * (n_modalities - 1) // 2, 1)
    level = 1 - (1 - level) / n_pairs
    known = np.nan_to_num(correlations)
    low, _ = fisher_interval(known, n, level, inflation)
    squares = np.where(np.eye(n_modalities, dtype=bool), 0.0, known**2)
    links = (low > 0) & (squares >= SHARE * squares.max(axis=(1, 2), keepdims=True))
    return np.array([connected_components(each)[1] for each in links], dtype=np.intp).reshape(
        len(correlations), n_modalities
    )


def by_subset(
    names: Sequence[str],
    correlations: Matrix,
    sets: NDArray[np.intp],
    n: Matrix | float,
    inflation: Matrix | float,
    level: float,
) -> dict[Subset, Estimate]:
    r"""Return the information of the directions that each set of modalities carries.

    Its variance is that of the information of Gaussian variables with many rows,
    :math:`\sum_{m < l} \rho_{ml}^2 / n`.

    Parameters
    ----------
    names : sequence of str
        Names of the modalities.
    correlations, n, inflation, level
        As in :func:`carriers`.
    sets : ndarray of int (c, M)
        Its result.

    Returns
    -------
    dict of tuple of str to Estimate
        Of the sets that carry a direction, the largest sets first.
    """
    n, inflation = (np.broadcast_to(each, correlations.shape) for each in (n, inflation))
    values: dict[Subset, float] = {}
    variances: dict[Subset, float] = {}
    for i, of_direction in enumerate(sets):
        for number in np.unique(of_direction):
            members = np.flatnonzero(of_direction == number).tolist()
            if len(members) < 2:
                continue
            inner = np.ix_([i], members, members)
            subset = tuple(names[m] for m in members)
            squares = np.nan_to_num(correlations[inner]) ** 2 * inflation[inner] ** 2
            own = np.tril(squares[0] / np.maximum(n[inner][0], 1.0), -1).sum()
            values[subset] = values.get(subset, 0.0) + float(
                multi_information(correlations[inner])[0]
            )
            variances[subset] = variances.get(subset, 0.0) + float(own)
    q = float(stats.norm.ppf((1 + level) / 2))
    order = {name: i for i, name in enumerate(names)}
    found = {}
    for subset in sorted(values, key=lambda s: (-len(s), [order[name] for name in s])):
        value, half = values[subset], q * float(np.sqrt(variances[subset]))
        found[subset] = Estimate(value, max(value - half, 0.0), value + half, level, np.empty(0))
    return found
