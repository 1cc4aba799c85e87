"""The linear information bottleneck in closed form, from second moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..metrics.sharing import cross_fit_inflation, fisher_interval
from ._directions import Whitening, directions
from ._group_sums import GroupSums
from ._held_out import (
    VariateScatter,
    decreasing,
    effective_rows,
    mean_correlation,
    variate_scatter,
)
from ._moments import Matrix, Moments
from ._ridge import CrossFit, best_ridges, split_folds

DEFAULT_RIDGE = 1.0
"""Ridge for so few rows that none can be chosen."""

LARGEST_WEIGHED = 0.9999
"""Correlation above which weights do not increase further."""


@dataclass(frozen=True)
class Solution:
    r"""Canonical directions, strongest first, with their correlations.

    Parameters
    ----------
    means : list of ndarray (p_m,)
        Mean of each modality.
    maps : list of ndarray (p_m, c)
        Directions of each modality: ``(x - mean) @ map`` has variance 1 on the training rows.
    train : ndarray (c, M, M)
        Correlations of the variates of each direction on the training rows; NaN of two modalities
        that no rows have in common.
    held_out : ndarray (c, M, M)
        Those on rows that did not determine the directions.
    low, high : ndarray (c,)
        Interval of the mean held-out correlation.
    smoothed : ndarray (c,)
        Mean held-out correlation, made decreasing.
    significant : ndarray of bool (c,)
        Whether the smoothed correlation is distinguishable from zero.
    ridges : list of float
        Ridge of each modality, in units of its mean variance.
    n_independent : ndarray (c,), default=None
        Number of independent rows that the intervals are those of.
    """

    means: list[Matrix]
    maps: list[Matrix]
    train: Matrix
    held_out: Matrix
    low: Matrix
    high: Matrix
    smoothed: Matrix
    significant: np.ndarray
    ridges: list[float]
    n_independent: Matrix | None = None  # files of earlier versions have none

    def n_kept(self, beta: float | str) -> int:
        """Return the number of directions whose explained share of variance exceeds `beta`.

        With "auto", the number of those whose correlation is distinguishable from zero.
        """
        kept = self.significant.copy()
        if beta != "auto":
            kept &= np.clip(self.smoothed, 0, None) ** 2 > float(beta)
        return int(np.argmin(np.append(kept, False)))

    def correlations(self, kept: int, measured: str = "cross_fitted") -> dict[str, np.ndarray]:
        """Return the mean correlations, with the name of how those on other rows were measured."""
        return {
            "train": mean_correlation(self.train),
            measured: mean_correlation(self.held_out),
            "low": self.low,
            "high": self.high,
            "kept": np.arange(len(self.low)) < kept,
        }

    @property
    def weights(self) -> Matrix:
        """Weights of the variates in the pointwise mutual information (c,)."""
        rho = np.clip(self.smoothed, 0.0, LARGEST_WEIGHED)
        weights: Matrix = np.sqrt(rho / (1 - rho**2))
        return weights


def solve(
    folds: Sequence[Moments],
    *,
    ridge: float | str = "auto",
    separate_ridges: bool = False,
    n_components: int = 64,
    level: float = 0.95,
    held_out: Moments | None = None,
    n_draws: float = 1,
    group_sums: GroupSums | None = None,
) -> Solution:
    """Return the canonical directions of all rows, and their correlations on held-out rows.

    Rows may lack modalities. Each mean is then that of the rows that have the modality, the
    covariance that of `joint_covariance`, and correlations are those of the rows that have both
    modalities. The interval of their mean over the pairs of modalities is that of as many rows as
    have the mean standard error of the pairs (`effective_rows`).

    Parameters
    ----------
    folds : sequence of Moments
        Moments of disjoint sets of rows.
    ridge : float or "auto", default="auto"
        Ridge of all modalities in units of their mean variance; "auto" chooses it by
        cross-validation over the folds.
    separate_ridges : bool, default=False
        Whether "auto" chooses the ridge of each modality.
    n_components : int, default=64
        Largest number of directions.
    level : float, default=0.95
        Level of the intervals.
    held_out : Moments, default=None
        Moments of further rows on which the correlations are measured; None: cross-fitted.
    n_draws : float, default=1
        Number of times that the rows are repeated, with other partners, on average.
    group_sums : GroupSums, default=None
        Sums of groups of rows that are not independent, each of which is in one fold; the
        intervals are wider by their design effect.

    Returns
    -------
    Solution
        Without directions if a modality does not vary. With fewer than two rows per fold, held-out
        correlations are 0 and no direction is significant.
    """
    n_modalities = len(folds[0].widths)
    total = sum(folds[1:], start=folds[0])
    n_folds = len(folds)
    most = total.n if total.pairs is None else int(np.tril(total.counts, -1).max())
    splits = split_folds(folds) if most >= 2 * n_folds > 2 else []
    if ridge == "auto" and splits:
        ridges = best_ridges(splits, n_modalities, n_components, separate=separate_ridges)
    else:
        ridges = [DEFAULT_RIDGE if ridge == "auto" else float(ridge)] * n_modalities
    means, maps = directions_at(total, ridges, n_components)
    scatter = VariateScatter(np.empty((0, 1, 1)))
    counts, used = total.counts / n_draws, n_folds
    if held_out is not None:
        scatter = variate_scatter(held_out.blocks, maps, held_out.own_blocks)
        counts, used = held_out.counts / n_draws, 1
    elif splits:
        scatter = CrossFit(splits, n_components).scatter(ridges)
    measured = bool(len(scatter))
    if not measured:  # too few rows to measure correlations on others
        scatter = VariateScatter(np.zeros((maps[0].shape[1], n_modalities, n_modalities)))
    c = min(len(scatter), maps[0].shape[1])
    maps = [A[:, :c] for A in maps]
    correlations = scatter.first(c).correlations
    mean = mean_correlation(correlations)
    train = variate_scatter(total.blocks, maps, total.own_blocks).correlations
    inflation = np.ones(c)
    if held_out is None:
        inflation = cross_fit_inflation(mean_correlation(train), mean)
    effects = None if group_sums is None else group_sums.design_effects(total, maps)
    n_independent: Matrix | float = 0.0
    if measured:
        n_independent = _independent_rows(counts, used, effects)
    low, high = fisher_interval(mean, n_independent, level, inflation)
    smoothed = decreasing(mean)
    smoothed_low, _ = fisher_interval(smoothed, n_independent, level, inflation)
    return Solution(
        means=means,
        maps=maps,
        train=train,
        held_out=correlations,
        low=low,
        high=high,
        smoothed=smoothed,
        significant=smoothed_low > 0,
        ridges=ridges,
        n_independent=np.broadcast_to(n_independent, c).astype(np.float64),
    )


def _independent_rows(counts: Matrix, used: int, effects: Matrix | None) -> Matrix | float:
    """Return the number of independent rows of the correlations of each direction."""
    if (counts == counts[0, 0]).all() and (effects is None or effects.ndim == 1):
        n = float(counts[0, 0]) - used
        return n if effects is None else n / effects
    if effects is None:
        return effective_rows(counts - used)
    return effective_rows(counts - used, effects if effects.ndim == 3 else effects[:, None, None])


def directions_at(
    moments: Moments, ridges: Sequence[float], n_components: int
) -> tuple[list[Matrix], list[Matrix]]:
    """Return means (p_m,) and directions (p_m, c) of the rows of `moments`, at given ridges."""
    whitening = Whitening.of(moments)
    maps, _, _ = directions(whitening, ridges, n_components)
    maps = [U @ A for U, A in zip(whitening.axes, maps, strict=True)]
    return [moments.mean[part] for part in moments.parts], maps


def embedding_map(maps: Matrix, weights: Matrix) -> tuple[Matrix, Matrix]:
    """Return matrix (p, k) and constants (k,) of weighted variates as an embedding.

    A single direction has a constant beside it, without which only its sign would be left on the
    unit sphere.

    Parameters
    ----------
    maps : ndarray (p, c)
        Directions.
    weights : ndarray (c,)
        Their weights.
    """
    weighted = maps * weights
    if len(weights) != 1:
        return weighted, np.zeros(len(weights))
    return np.hstack([weighted, np.zeros_like(weighted)]), np.append(0.0, weights)
