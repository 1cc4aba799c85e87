"""Choice of the ridge by the information of held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._directions import Whitening, directions
from ._held_out import as_correlations, mean_correlation, variate_scatter
from ._moments import Matrix, Moments

RIDGES: list[float] = (10.0 ** np.arange(2.0, -6.5, -0.5)).tolist()
"""Path of ridges, in units of the mean variance of a modality; the largest first."""

LARGEST = 1 - 1e-6  # correlation whose information is still finite


@dataclass(frozen=True)
class Split:
    """One fold, and the decomposed covariances of all other rows.

    Parameters
    ----------
    held_out : Moments
        Moments of the fold.
    rest : Whitening
        Decomposition for the other rows.
    """

    held_out: Moments
    rest: Whitening


def split_folds(folds: Sequence[Moments]) -> list[Split]:
    """Decompose the covariances of the rows outside each fold.

    A fold is left out if a modality varies in this fold only.
    """
    total = sum(folds[1:], start=folds[0])
    splits = [Split(fold, Whitening.of(total - fold)) for fold in folds]
    return [split for split in splits if all(split.rest.ranks)]


def cross_fitted_scatter(
    splits: Sequence[Split], ridges: Sequence[Sequence[float]], n_components: int
) -> list[Matrix]:
    """Return, for each ridge, the scatter of held-out variates, summed over the folds.

    The directions of a fold are those of all other rows, whose decomposition serves all ridges.

    Parameters
    ----------
    splits : sequence of Split
        Folds with the other rows.
    ridges : sequence of sequence of float
        Ridges of each modality, at each step of a path.
    n_components : int
        Largest number of directions.

    Returns
    -------
    list of ndarray (c, M, M)
        Without directions if no fold can be used.
    """
    sums: list[list[Matrix]] = [[] for _ in ridges]
    for split in splits:
        start = None
        for found, chosen in zip(sums, ridges, strict=True):
            maps, _, start = directions(split.rest, chosen, n_components, start)
            mapped = [U @ A for U, A in zip(split.rest.axes, maps, strict=True)]
            found.append(variate_scatter(split.held_out, mapped))
    return [_sum(found) for found in sums]


def _sum(found: list[Matrix]) -> Matrix:
    """Add scatters, of as many directions as all of them have."""
    if not found:
        return np.empty((0, 1, 1))
    c = min(map(len, found))
    total: Matrix = np.sum([each[:c] for each in found], axis=0)
    return total


def best_ridges(
    splits: Sequence[Split], n_modalities: int, n_components: int, *, separate: bool = False
) -> list[float]:
    r"""Return the ridge of each modality with the most information on held-out rows.

    The criterion is :math:`-\frac12 \sum_k \log(1 - \max(r_k, 0)^2)`, where :math:`r_k` is the
    correlation of the k-th variates, cross-fitted over the folds.

    Parameters
    ----------
    splits : sequence of Split
        Folds with the other rows.
    n_modalities : int
        Number of modalities.
    n_components : int
        Largest number of directions.
    separate : bool, default=False
        Whether to search the ridge of one modality after the other, from the best common one.
        Otherwise all have the same, in units of their mean variance.
    """

    def best(steps: list[list[float]]) -> list[float]:
        scatters = cross_fitted_scatter(splits, steps, n_components)
        return steps[int(np.argmax([held_out_information(scatter) for scatter in scatters]))]

    ridges = best([[ridge] * n_modalities for ridge in RIDGES])
    for m in range(n_modalities if separate else 0):
        ridges = best([[*ridges[:m], ridge, *ridges[m + 1 :]] for ridge in RIDGES])
    return ridges


def held_out_information(scatter: Matrix) -> float:
    """Return the Gaussian information of variates with positive correlations, in nats."""
    r = np.clip(mean_correlation(as_correlations(scatter)), 0.0, LARGEST)
    return float(-0.5 * np.log1p(-(r**2)).sum())
