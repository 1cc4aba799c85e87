"""Choice of the ridge by the information of held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._directions import Whitening, directions
from ._held_out import VariateScatter, mean_correlation, variate_scatter
from ._moments import Matrix, Moments

EXPONENTS = np.arange(2.0, -7.0, -1.0)
"""Ridges of the search, as powers of ten of the mean variance of a modality, largest first."""

STEP = 0.5  # resolution of the search, in powers of ten
LARGEST = 1 - 1e-6  # correlation whose information is still finite


@dataclass(frozen=True)
class Split:
    """One fold, and the decomposed covariances of all other rows.

    Parameters
    ----------
    scatter : list of list of ndarray (r_m, r_k)
        Scatter of the rows of the fold between modalities m and k, in the axes of `rest`; k <= m.
    rest : Whitening
        Decomposition for the other rows.
    own : list of list of ndarray (r_m, r_m), or None
        Scatter of the modality m in the rows of the fold that also have k; None if all have all.
    """

    scatter: list[list[Matrix]]
    rest: Whitening
    own: list[list[Matrix]] | None = None

    @classmethod
    def of(cls, fold: Moments, others: Moments) -> Split:
        """Decompose the covariances of the other rows, and rotate the fold to their axes."""
        rest = Whitening.of(others)
        rotated = [
            [rest.axes[m].T @ block @ rest.axes[k] for k, block in enumerate(blocks)]
            for m, blocks in enumerate(fold.blocks)
        ]
        own = fold.own_blocks
        if own is not None:
            pairs = zip(rest.axes, own, strict=True)
            own = [[axes.T @ block @ axes for block in blocks] for axes, blocks in pairs]
        return cls(rotated, rest, own)


def split_folds(folds: Sequence[Moments]) -> list[Split]:
    """Decompose the covariances of the rows outside each fold.

    A fold is left out if a modality varies in this fold only.
    """
    total = sum(folds[1:], start=folds[0])
    splits = [Split.of(fold, total - fold) for fold in folds]
    return [split for split in splits if all(split.rest.ranks)]


class CrossFit:
    """Held-out variates for one ridge after the other.

    The directions of a fold are those of all other rows, whose decomposition serves all ridges.
    Those of a ridge are refined from those of the ridge before, which should be close to it.

    Parameters
    ----------
    splits : sequence of Split
        Folds with the other rows.
    n_components : int
        Largest number of directions.
    """

    def __init__(self, splits: Sequence[Split], n_components: int) -> None:
        self.splits = splits
        self.n_components = n_components
        self.starts: list[Matrix | None] = [None] * len(splits)

    def scatter(self, ridges: Sequence[float]) -> VariateScatter:
        """Return the scatter of held-out variates, summed over the folds.

        Parameters
        ----------
        ridges : sequence of float
            Ridge of each modality.

        Returns
        -------
        VariateScatter
            Without directions if no fold can be used.
        """
        found = []
        for i, split in enumerate(self.splits):
            maps, _, self.starts[i] = directions(
                split.rest, ridges, self.n_components, self.starts[i]
            )
            found.append(variate_scatter(split.scatter, maps, split.own))
        if not found:
            return VariateScatter(np.empty((0, 1, 1)))
        c = min(map(len, found))
        return VariateScatter.sum([each.first(c) for each in found])


def best_ridges(
    splits: Sequence[Split], n_modalities: int, n_components: int, *, separate: bool = False
) -> list[float]:
    r"""Return the ridge of each modality with the most information on held-out rows.

    The criterion is :math:`-\frac12 \sum_k \log(1 - \max(r_k, 0)^2)`, where :math:`r_k` is the
    correlation of the k-th variates, cross-fitted over the folds. A common ridge is the best of a
    path in steps of a factor of 10; it is then changed in steps of half of that, as long as the
    criterion rises.

    Parameters
    ----------
    splits : sequence of Split
        Folds with the other rows.
    n_modalities : int
        Number of modalities.
    n_components : int
        Largest number of directions.
    separate : bool, default=False
        Whether the ridge of one modality after the other is changed, from the best common one.
        Otherwise all have the same, in units of their mean variance.
    """
    fit = CrossFit(splits, n_components)
    found: dict[tuple[float, ...], float] = {}

    def information(exponents: Matrix) -> float:
        key = tuple(exponents.tolist())
        if key not in found:
            found[key] = held_out_information(fit.scatter((10.0**exponents).tolist()))
        return found[key]

    def climb(exponents: Matrix, direction: Matrix) -> Matrix:
        """Move along a direction and its opposite while the criterion rises."""
        for step in (STEP * direction, -STEP * direction):
            while _inside(exponents + step) and information(exponents + step) > information(
                exponents
            ):
                exponents = exponents + step
        return exponents

    together = np.ones(n_modalities)
    best, starts = together * EXPONENTS[0], fit.starts
    for exponent in EXPONENTS:
        if information(exponent * together) >= information(best):
            best, starts = exponent * together, list(fit.starts)
    fit.starts = starts
    best = climb(best, together)
    for each in np.eye(n_modalities) if separate else ():
        best = climb(best, each)
    ridges: list[float] = (10.0**best).tolist()
    return ridges


def _inside(exponents: Matrix) -> bool:
    return bool(exponents.min() >= EXPONENTS[-1] and exponents.max() <= EXPONENTS[0])


def held_out_information(scatter: VariateScatter) -> float:
    """Return the Gaussian information of variates with positive correlations, in nats."""
    r = np.clip(mean_correlation(scatter.correlations), 0.0, LARGEST)
    return float(-0.5 * np.log1p(-(r**2)).sum())
