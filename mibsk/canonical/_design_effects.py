"""Design effects of the information of all columns, where groups of rows are not independent."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from ._directions import Whitening, off_diagonal
from ._group_sums import GroupSums
from ._moments import Matrix, Moments


class DesignEffects(NamedTuple):
    """Factors by which groups of rows multiply the variances of correlations.

    Parameters
    ----------
    bias : float
        Mean over all pairs of columns of two modalities, of independent modalities.
    squares : float
        Mean of their squares, relative to the square of `bias`.
    weighted : float
        Mean with the squared correlations as weights.
    directions : ndarray (c,)
        Those of the canonical directions.
    """

    bias: float
    squares: float
    weighted: float
    directions: Matrix

    @classmethod
    def of(cls, sums: GroupSums, moments: Moments, maps: list[Matrix]) -> DesignEffects:
        r"""Return the design effects of groups.

        Let :math:`C_m` be the correlations of two rows of a group in the whitened columns of the
        modality :math:`m`. If modalities are independent, the correlations of their whitened
        columns have the covariance

        .. math:: \frac1n \big(I + (\textstyle\sum_g n_g^2 / n - 1) \, C_m \otimes C_l\big),

        the form with several columns of that of `GroupSums.design_effects`.

        Parameters
        ----------
        sums : GroupSums
            Sums of the groups.
        moments : Moments
            Moments of all rows, about the same origin.
        maps : list of ndarray (p_m, c)
            Directions of each modality.
        """
        whitening = Whitening.of(moments)
        roots = whitening.inverse_roots([0.0] * len(whitening.axes))
        blocks = off_diagonal(whitening, roots)
        parts, ends = [], np.cumsum([0, *whitening.ranks])
        for part, axes, root in zip(moments.parts, whitening.axes, roots, strict=True):
            parts.append(_within_groups(sums, moments, part, axes * root))
        n = sums.sizes.sum()
        more = (sums.sizes**2).sum() / n - 1
        count = total = squares = weights = weighted = 0.0
        for m, k in combinations(range(len(parts)), 2):
            (mean_m, C_m), (mean_k, C_k) = parts[m], parts[k]
            K = blocks[ends[m] : ends[m + 1], ends[k] : ends[k + 1]]
            count += K.size
            total += K.size * (1 + more * mean_m * mean_k)
            squares += K.size + 2 * more * np.trace(C_m) * np.trace(C_k)
            squares += more**2 * (C_m**2).sum() * (C_k**2).sum()
            weights += (K**2).sum()
            weighted += (K**2).sum() + more * (K * (C_m @ K @ C_k)).sum()
        bias = total / max(count, 1.0)
        return cls(
            bias,
            max(squares / max(count, 1.0) / bias**2, 1.0),
            weighted / weights if weights else bias,
            sums.design_effects(moments, maps),
        )


def _within_groups(
    sums: GroupSums, moments: Moments, part: slice, axes: Matrix
) -> tuple[float, Matrix]:
    """Return the mean correlation within groups of whitened columns, and their matrix (r, r).

    Both are estimated by analysis of variance, which knows no correlation of one group: it is 1.
    """
    sizes = sums.sizes
    n, n_groups = sizes.sum(), len(sizes)
    if n_groups in (1, n):
        return 1.0, np.eye(axes.shape[1])
    centred = (sums.sums[:, part] - np.outer(sizes, (moments.total / moments.n)[part])) @ axes
    values, vectors = np.linalg.eigh((centred / sizes[:, None]).T @ centred)
    mean = float(sums.intraclass(values.mean(), n)) if len(values) else 0.0
    return mean, (vectors * sums.intraclass(values, n)) @ vectors.T
