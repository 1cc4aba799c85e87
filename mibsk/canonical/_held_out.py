"""Correlations of canonical variates on rows that did not determine the directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from ._moments import Matrix


@dataclass(frozen=True)
class VariateScatter:
    """Scatter of the variates of each direction over the modalities.

    Parameters
    ----------
    cross : ndarray (c, M, M)
        Scatter of the variates of two modalities, in the rows that have both.
    own : ndarray (c, M, M), default=None
        Scatter of the variates of the modality m in the rows that also have k, by m and k; None if
        all rows have all modalities.
    """

    cross: Matrix
    own: Matrix | None = None

    def __len__(self) -> int:
        return len(self.cross)

    def first(self, c: int) -> VariateScatter:
        """Return that of the first `c` directions."""
        return VariateScatter(self.cross[:c], None if self.own is None else self.own[:c])

    @classmethod
    def sum(cls, each: Sequence[VariateScatter]) -> VariateScatter:
        """Return the sum over disjoint sets of rows."""
        cross: Matrix = np.sum([one.cross for one in each], axis=0)
        if all(one.own is None for one in each):
            return cls(cross)
        owns = [_repeated(one.cross) if one.own is None else one.own for one in each]
        return cls(cross, np.sum(owns, axis=0))

    @property
    def correlations(self) -> Matrix:
        """Correlations (c, M, M); NaN of two modalities that no rows have in common."""
        if self.own is None:
            return as_correlations(self.cross)
        found = as_correlations(self.cross, self.own)
        unseen = ~(self.own > 0).any(axis=0)
        found[:, unseen | unseen.T] = np.nan
        np.einsum("cmm->cm", found)[:] = 1.0
        return found


def _repeated(cross: Matrix) -> Matrix:
    """Return the scatter of each modality, the same in the rows that have any other (c, M, M)."""
    variances = np.einsum("cmm->cm", cross)
    return np.repeat(variances[:, :, None], variances.shape[1], axis=2)


def variate_scatter(
    scatter: Sequence[Sequence[Matrix]],
    maps: Sequence[Matrix],
    own: Sequence[Sequence[Matrix]] | None = None,
) -> VariateScatter:
    """Return the scatter of the variates of each direction over the modalities.

    Parameters
    ----------
    scatter : sequence of sequence of ndarray (p_m, p_k)
        Scatter of the columns of the modalities m and k, for k <= m.
    maps : sequence of ndarray (p_m, c)
        Directions of each modality.
    own : sequence of sequence of ndarray (p_m, p_m), default=None
        Scatter of the modality m in the rows that also have k.
    """
    n_modalities, c = len(maps), maps[0].shape[1]
    found = np.empty((c, n_modalities, n_modalities))
    for m in range(n_modalities):
        for k in range(m + 1):
            found[:, m, k] = ((scatter[m][k].T @ maps[m]) * maps[k]).sum(axis=0)
            found[:, k, m] = found[:, m, k]
    if own is None:
        return VariateScatter(found)
    squares = np.empty_like(found)
    for m, blocks in enumerate(own):
        for k, block in enumerate(blocks):
            squares[:, m, k] = ((block @ maps[m]) * maps[m]).sum(axis=0)
    return VariateScatter(found, squares)


def as_correlations(scatter: Matrix, own: Matrix | None = None) -> Matrix:
    """Return correlation matrices (c, M, M); an empty variate is uncorrelated with all.

    `own` is the scatter of each modality in the rows that have each other one; None: the diagonal.
    """
    # that of an empty variate may round to below 0
    if own is None:
        deviations = np.sqrt(np.maximum(np.einsum("cmm->cm", scatter), 0.0))
        scale = deviations[:, :, None] * deviations[:, None, :]
    else:
        deviations = np.sqrt(np.maximum(own, 0.0))
        scale = deviations * deviations.transpose(0, 2, 1)
    correlations = np.divide(scatter, scale, out=np.zeros_like(scatter), where=scale > 0)
    np.einsum("cmm->cm", correlations)[:] = 1.0
    clipped: Matrix = np.clip(correlations, -1.0, 1.0)
    return clipped


def mean_correlation(correlations: Matrix) -> Matrix:
    """Return the mean over the pairs of modalities (c,), of those that rows have in common."""
    n_modalities = correlations.shape[-1]
    known = ~np.isnan(correlations)
    if not known.all():
        total = np.where(known, correlations, 0.0).sum(axis=(1, 2)) - n_modalities
        found: Matrix = total / np.maximum(known.sum(axis=(1, 2)) - n_modalities, 1)
        return found
    total = correlations.sum(axis=(1, 2)) - n_modalities
    mean: Matrix = total / (n_modalities * (n_modalities - 1))
    return mean


def effective_rows(counts: Matrix, effects: Matrix | float = 1.0) -> Matrix | float:
    """Return the number of rows whose correlation has the mean standard error of the pairs.

    Parameters
    ----------
    counts : ndarray (M, M)
        Number of rows that have both of two modalities, less those that the means have used up.
        Pairs that no rows have in common are not counted.
    effects : ndarray (c, M, M) or float, default=1
        Factors of the variances of the correlations, of groups of rows that are not independent.

    Returns
    -------
    ndarray (c,) or float
        Of each direction.
    """
    rows, columns = np.nonzero(np.tril(counts > 0, -1))
    if not len(rows):
        return 0.0
    factors = np.broadcast_to(effects, (*np.shape(effects)[:-2], *counts.shape))[..., rows, columns]
    errors = np.sqrt(factors / counts[rows, columns]).mean(axis=-1)
    effective: Matrix = errors**-2.0
    return effective


def decreasing(values: Matrix) -> Matrix:
    """Return the closest decreasing sequence (isotonic regression)."""
    if not len(values):
        return values
    fitted: Matrix = optimize.isotonic_regression(values, increasing=False).x
    return fitted
