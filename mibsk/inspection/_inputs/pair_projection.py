"""Pairs of embeddings, projected onto a plane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from sklearn.decomposition import PCA

from ..._checks.matrices import FloatMatrix
from ...metrics import modality_gap


@dataclass(frozen=True)
class Projection:
    """Paired embeddings of two modalities in one plane.

    Attributes
    ----------
    points : dict of str to ndarray (n, 2)
        Modality -> coordinates; row i of both is one pair.
    explained_variance_ratio : ndarray (2,)
        Fraction of the variance of both modalities' rows along each coordinate.
    modality_gap : float
        Distance between the centres of the modalities, before the projection.
    pair_cosine : float
        Mean cosine of partners, before the projection.
    """

    points: dict[str, FloatMatrix]
    explained_variance_ratio: FloatMatrix
    modality_gap: float
    pair_cosine: float

    def take(self, rows: np.ndarray) -> Projection:
        """Return some of the pairs in the same plane, with the measures of all pairs."""
        return replace(self, points={name: Z[rows] for name, Z in self.points.items()})


def project(embeddings: Mapping[str, FloatMatrix]) -> Projection:
    r"""Project both modalities onto the first two principal axes of their stacked rows.

    Row i of both embeddings (n, d >= 2) is one pair. The rows are centred at the common mean of
    both modalities, so that the gap between them remains visible.

    Examples
    --------
    >>> import numpy as np
    >>> Z = np.eye(3)
    >>> found = project({"image": Z, "text": Z})
    >>> found.modality_gap, found.pair_cosine
    (0.0, 1.0)
    """
    Z, W = embeddings.values()
    pca = PCA(n_components=2, svd_solver="full")
    with np.errstate(invalid="ignore"):  # 0 / 0 where all rows are equal
        coordinates = pca.fit_transform(np.concatenate([Z, W]))
    points = dict(zip(embeddings, np.split(coordinates, 2), strict=True))
    lengths = np.linalg.norm(Z, axis=1) * np.linalg.norm(W, axis=1)
    cosines = np.einsum("nd,nd->n", Z, W) / np.maximum(lengths, np.finfo(float).tiny)
    return Projection(
        points,
        np.nan_to_num(pca.explained_variance_ratio_),
        modality_gap(Z, W),
        float(cosines.mean()),
    )
