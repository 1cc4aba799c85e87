"""Choice of the ridge by the information of held-out rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._directions import Whitening, directions
from ._held_out import as_correlations, mean_correlation, variate_scatter
from ._moments import Matrix, Moments

RIDGES: list[float] = (10.0 ** np.arange(2.0, -6.5, -0.5)).tolist()
"""Path of ridges, in units of the mean variance of a modality; the largest first."""

LARGEST = 1 - 1e-6  # correlation whose information is still finite


def cross_fitted_scatter(
    folds: Sequence[Moments], ridges: Sequence[Sequence[float]], n_components: int
) -> list[Matrix]:
    """Return, for each ridge, the scatter of held-out variates, summed over the folds.

    The directions of a fold are those of all other rows. One eigendecomposition of each modality
    serves all ridges of a fold.

    Parameters
    ----------
    folds : sequence of Moments
        Moments of disjoint rows.
    ridges : sequence of sequence of float
        Ridges of each modality, at each step of the path.
    n_components : int
        Largest number of directions.

    Returns
    -------
    list of ndarray (c, M, M)
        Without directions if no fold can be used.
    """
    total = sum(folds[1:], start=folds[0])
    sums: list[list[Matrix]] = [[] for _ in ridges]
    for fold in folds:
        rest = total - fold
        whitening, start = Whitening.of(rest), None
        if not all(whitening.ranks):  # a modality that varies in this fold only
            continue
        for found, chosen in zip(sums, ridges, strict=True):
            maps, _, start = directions(whitening, chosen, n_components, start)
            mapped = [U @ A for U, A in zip(whitening.axes, maps, strict=True)]
            found.append(variate_scatter(fold, mapped))
    return [_sum(found) for found in sums]


def _sum(found: list[Matrix]) -> Matrix:
    """Add scatters, of as many directions as all of them have."""
    if not found:
        return np.empty((0, 1, 1))
    c = min(map(len, found))
    total: Matrix = np.sum([each[:c] for each in found], axis=0)
    return total


def best_ridges(
    folds: Sequence[Moments], n_components: int, path: Sequence[float] = RIDGES
) -> list[float]:
    r"""Return the ridge of each modality with the most information on held-out rows.

    The criterion is :math:`-\frac12 \sum_k \log(1 - \max(r_k, 0)^2)`, where :math:`r_k` is the
    correlation of the k-th variates, cross-fitted over the folds. All modalities have the same
    ridge, in units of their mean variance.
    """
    n_modalities = len(folds[0].widths)
    steps = [[ridge] * n_modalities for ridge in path]
    scores = [
        held_out_information(scatter)
        for scatter in cross_fitted_scatter(folds, steps, n_components)
    ]
    return steps[int(np.argmax(scores))]


def held_out_information(scatter: Matrix) -> float:
    """Return the Gaussian information of variates with positive correlations, in nats."""
    r = np.clip(mean_correlation(as_correlations(scatter)), 0.0, LARGEST)
    return float(-0.5 * np.log1p(-(r**2)).sum())
