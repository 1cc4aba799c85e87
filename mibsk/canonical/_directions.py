"""Canonical directions of two and more modalities, from their second moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from ._joint_covariance import RANK_CUTOFF
from ._moments import Matrix, Moments


@dataclass(frozen=True)
class Whitening:
    """Eigendecomposition of the covariance of each modality.

    Parameters
    ----------
    variances : list of ndarray (r_m,)
        Positive eigenvalues of each modality.
    axes : list of ndarray (p_m, r_m)
        Their eigenvectors.
    cross : dict of (int, int) to ndarray (r_m, r_k)
        Covariances of modalities m < k in these axes.
    """

    variances: list[Matrix]
    axes: list[Matrix]
    cross: dict[tuple[int, int], Matrix]

    @classmethod
    def of(cls, moments: Moments) -> Whitening:
        """Decompose the covariances of the modalities."""
        covariance = moments.covariance
        variances, axes = [], []
        for part in moments.parts:
            values, vectors = scipy.linalg.eigh(covariance[part, part], driver="evd")
            kept = values > max(RANK_CUTOFF * values[-1], np.finfo(float).tiny)
            variances.append(values[kept])
            axes.append(vectors[:, kept])
        parts, n_modalities = moments.parts, len(axes)
        cross = {
            (m, k): axes[m].T @ covariance[parts[m], parts[k]] @ axes[k]
            for m in range(n_modalities)
            for k in range(m + 1, n_modalities)
        }
        return cls(variances, axes, cross)

    @property
    def ranks(self) -> list[int]:
        """Number of directions in which each modality varies."""
        return [len(values) for values in self.variances]

    def inverse_roots(self, ridges: Sequence[float]) -> list[Matrix]:
        """Return the inverse standard deviations (r_m,), with the ridge added to the variances.

        A ridge of 1 is the mean variance of the modality in the directions in which it varies.
        """
        return [
            1 / np.sqrt(values + ridge * values.sum() / max(len(values), 1))
            for values, ridge in zip(self.variances, ridges, strict=True)
        ]

    def largest(self, n_components: int) -> int:
        """Return the largest possible number of directions, at most `n_components`."""
        ranks = sorted(self.ranks)
        if not ranks[0]:  # a modality that does not vary
            return 0
        # every direction needs two modalities
        return min(n_components, ranks[0] if len(ranks) == 2 else sum(ranks) - ranks[-1])


def directions(
    whitening: Whitening,
    ridges: Sequence[float],
    n_components: int,
    start: Matrix | None = None,
) -> tuple[list[Matrix], Matrix, Matrix]:
    r"""Return the canonical directions in the axes of the whitening.

    For two modalities they are the singular vectors of :math:`K = D_x C_{xy} D_y`, where `D` are
    the inverse roots of the regularised variances; for more, the eigenvectors of the matrix with
    blocks :math:`K_{ml}` and zero diagonal blocks: the MAXVAR form of multiset canonical
    correlation analysis, which for two modalities has the same solution [1]_.

    Parameters
    ----------
    whitening : Whitening
        Decomposition of the covariances.
    ridges : sequence of float
        Ridge of each modality.
    n_components : int
        Largest number of directions.
    start : ndarray, default=None
        Result for a similar ridge. The solution is then refined by products, not decomposed.

    Returns
    -------
    maps : list of ndarray (r_m, c)
        Directions of each modality; each variate has variance 1, or 0 where it is empty.
    correlations : ndarray (c,)
        Canonical correlations of the regularised problem, largest first: mean over the pairs.
    start : ndarray
        Vectors for a similar ridge.

    References
    ----------
    .. [1] Kettenring, "Canonical analysis of several sets of variables", Biometrika 58, 1971.
    """
    roots = whitening.inverse_roots(ridges)
    c = whitening.largest(n_components)
    if len(roots) == 2:
        K = roots[0][:, None] * whitening.cross[0, 1] * roots[1]
        left, values, right = _singular(K, c) if start is None else _refined_singular(K, start)
        vectors, start = [left, right], right
    else:
        B = off_diagonal(whitening, roots)
        values, joint = _eigen(B, c) if start is None else _refined_eigen(B, start)
        values = values / (len(roots) - 1)
        ends = np.cumsum(whitening.ranks)[:-1]
        vectors, start = np.split(joint, ends), joint
    maps = []
    for vector, root, variances in zip(vectors, roots, whitening.variances, strict=True):
        direction = root[:, None] * vector
        deviation = np.sqrt(variances @ direction**2)
        maps.append(direction / np.where(deviation > 0, deviation, 1.0))
    return maps, np.clip(values, 0.0, 1.0), start


def _singular(K: Matrix, c: int) -> tuple[Matrix, Matrix, Matrix]:
    left, values, right = scipy.linalg.svd(K, full_matrices=False, lapack_driver="gesdd")
    return left[:, :c], values[:c], right[:c].T


def _refined_singular(K: Matrix, start: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Return the leading singular vectors by subspace iteration."""
    for _ in range(2):
        start, _ = np.linalg.qr(K.T @ (K @ start))
    left = K @ start
    squares, rotation = np.linalg.eigh(left.T @ left)  # several times faster than a decomposition
    values = np.sqrt(np.maximum(squares[::-1], 0.0))
    left = left @ rotation[:, ::-1] / np.where(values > 0, values, 1.0)
    return left, values, start @ rotation[:, ::-1]


def off_diagonal(whitening: Whitening, roots: list[Matrix]) -> Matrix:
    """Return the matrix of the whitened covariances between modalities, zero within them."""
    ends = np.cumsum([0, *whitening.ranks])
    blocks = np.zeros((ends[-1], ends[-1]))
    for (m, k), cross in whitening.cross.items():
        part = roots[m][:, None] * cross * roots[k]
        blocks[ends[m] : ends[m + 1], ends[k] : ends[k + 1]] = part
        blocks[ends[k] : ends[k + 1], ends[m] : ends[m + 1]] = part.T
    return blocks


def _eigen(B: Matrix, c: int) -> tuple[Matrix, Matrix]:
    last = len(B) - 1
    if not c:
        return np.empty(0), np.empty((len(B), 0))
    values, vectors = scipy.linalg.eigh(B, subset_by_index=(last - c + 1, last))
    return values[::-1], vectors[:, ::-1]


def _refined_eigen(B: Matrix, start: Matrix) -> tuple[Matrix, Matrix]:
    """Return the leading eigenvectors by subspace iteration; B + I has no negative eigenvalue."""
    for _ in range(4):
        start, _ = np.linalg.qr(B @ start + start)
    values, rotation = np.linalg.eigh(start.T @ B @ start)
    return values[::-1], start @ rotation[:, ::-1]
