"""Pairs of embeddings, seen in two dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from .._checks.devices import FloatMatrix
from ..metrics import modality_gap


@dataclass(frozen=True)
class Projection:
    """Paired embeddings of two modalities in one plane.

    Attributes
    ----------
    points : dict of str to ndarray (n, 2)
        Modality -> coordinates; row i of both is one pair.
    explained_variance_ratio : ndarray (2,)
        Share of the variance of both modalities' rows along each coordinate.
    modality_gap : float
        Distance of the modalities' centres, before projecting.
    pair_cosine : float
        Mean cosine of partners, before projecting.
    """

    points: dict[str, FloatMatrix]
    explained_variance_ratio: FloatMatrix
    modality_gap: float
    pair_cosine: float

    def take(self, rows: np.ndarray) -> Projection:
        """Return the same plane with some of the pairs; the measures stay those of all."""
        points = {name: Z[rows] for name, Z in self.points.items()}
        return Projection(
            points, self.explained_variance_ratio, self.modality_gap, self.pair_cosine
        )


def project(embeddings: Mapping[str, Any]) -> Projection:
    r"""Project both modalities onto the first two principal axes of their stacked rows.

    The rows are centred by the mean of both modalities together, so that the gap between them
    remains visible.

    Parameters
    ----------
    embeddings : mapping of two names to ndarray (n, d)
        Row i of both is one pair; d >= 2.

    Returns
    -------
    Projection

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
    with np.errstate(invalid="ignore"):  # where all rows are the same, 0 of 0 is explained
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
