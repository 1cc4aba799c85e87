"""Shared and private parts of paired rows, and predictions of a modality from the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._coordinates import Coordinates
from ._moments import Matrix, Moments
from ._solution import Solution


@dataclass(frozen=True)
class LinearModel:
    """The kept canonical directions, in the columns of the modalities.

    Parameters
    ----------
    means, deviations : dict of str to ndarray (p_m,)
        Mean and standard deviation of the columns.
    maps : dict of str to ndarray (p_m, k)
        Directions: ``(x - mean) @ map`` are the variates, of variance 1.
    covariances : dict of str to dict of str to ndarray (p_y, k)
        Covariance of the columns of a modality y and the variates of a modality m, by y and m.
    variates : ndarray (M k, M k)
        Covariance of the variates of all modalities, side by side.
    shares : dict of str to float
        Share of the variance of the columns that the variates of the modality explain.
    """

    means: dict[str, Matrix]
    deviations: dict[str, Matrix]
    maps: dict[str, Matrix]
    covariances: dict[str, dict[str, Matrix]]
    variates: Matrix
    shares: dict[str, float]

    @classmethod
    def of(
        cls,
        names: list[str],
        coordinates: Mapping[str, Coordinates],
        moments: Moments,
        scale: Matrix,
        solution: Solution,
        k: int,
    ) -> LinearModel:
        """Return the model of the first `k` directions.

        Parameters
        ----------
        names : list of str
            Names of the modalities.
        coordinates : mapping of str to Coordinates
            Coordinates of each modality.
        moments : Moments
            Moments of the coordinates.
        scale : ndarray (D,)
            By which the coordinates were divided for the solution.
        solution : Solution
            Directions in the coordinates over `scale`.
        k : int
            Number of directions.
        """
        covariance, parts = moments.covariance, moments.parts
        own = [
            A[:, :k] / scale[part][:, None] for A, part in zip(solution.maps, parts, strict=True)
        ]
        means, deviations, maps = {}, {}, {}
        covariances: dict[str, dict[str, Matrix]] = {name: {} for name in names}
        shares = {}
        for i, (name, part) in enumerate(zip(names, parts, strict=True)):
            base = coordinates[name]
            back = to_columns(base)
            for other, A, columns in zip(names, own, parts, strict=True):
                covariances[name][other] = back(covariance[part, columns] @ A)
            if base.basis is None:
                means[name], maps[name] = moments.mean[part], own[i]
                deviations[name] = moments.deviations[part]
            else:
                assert base.mean is not None
                assert base.scale is not None
                means[name] = base.mean
                maps[name] = (base.basis @ own[i]) / base.scale[:, None]
                spread = ((base.basis @ covariance[part, part]) * base.basis).sum(axis=1)
                deviations[name] = np.sqrt(np.maximum(spread, 0.0)) * base.scale
            inner = own[i].T @ covariance[part, part] @ own[i]
            explained = np.sum(
                (covariances[name][name] @ np.linalg.pinv(inner)) * covariances[name][name]
            )
            whole = float((deviations[name] ** 2).sum())
            shares[name] = min(float(explained) / whole, 1.0) if whole else 0.0
        joint = np.block(
            [
                [A.T @ covariance[a, b] @ B for B, b in zip(own, parts, strict=True)]
                for A, a in zip(own, parts, strict=True)
            ]
        )
        return cls(means, deviations, maps, covariances, joint, shares)

    @property
    def n_components(self) -> int:
        """Number of directions."""
        return next(iter(self.maps.values())).shape[1]

    def project(self, name: str, rows: Any) -> Matrix:
        """Return the variates (n, k) of prepared rows of a modality."""
        if sp.issparse(rows):
            found: Matrix = rows @ self.maps[name] - self.means[name] @ self.maps[name]
            return found
        return (rows.reshape(len(rows), -1) - self.means[name]) @ self.maps[name]

    def predict(self, target: str, given: Mapping[str, Matrix]) -> Matrix:
        """Return the best linear prediction of the rows (n, p) of a modality.

        Parameters
        ----------
        target : str
            Modality that is predicted.
        given : mapping of str to ndarray (n, k)
            Variates of one modality or more, NaN in rows that lack it. Each row is predicted from
            those that it has; without any, the prediction is NaN.
        """
        has = np.stack([~np.isnan(variates).any(axis=1) for variates in given.values()], axis=1)
        if has.all():
            return self.means[target] + self.explained(target, given)
        predicted = np.full((len(has), len(self.means[target])), np.nan)
        for pattern in np.unique(has, axis=0):
            rows = (has == pattern).all(axis=1)
            some = {
                name: variates[rows]
                for (name, variates), known in zip(given.items(), pattern, strict=True)
                if known
            }
            if some:
                predicted[rows] = self.means[target] + self.explained(target, some)
        return predicted

    def explained(self, target: str, given: Mapping[str, Matrix]) -> Matrix:
        """Return the best linear prediction (n, p) of centred columns from variates.

        Parameters
        ----------
        target : str
            Modality that is predicted.
        given : mapping of str to ndarray (n, k)
            Variates of one modality or more.
        """
        names, k = list(self.maps), self.n_components
        chosen = np.concatenate([np.arange(k) + k * names.index(name) for name in given])
        inner = self.variates[np.ix_(chosen, chosen)]
        outer = np.concatenate([self.covariances[target][name] for name in given], axis=1)
        coefficients = outer @ np.linalg.pinv(inner, rcond=1e-10, hermitian=True)  # (p, k given)
        predicted: Matrix = np.concatenate(list(given.values()), axis=1) @ coefficients.T
        return predicted


def to_columns(base: Coordinates) -> Any:
    """Return the map of covariances of coordinates to covariances of columns."""
    if base.basis is None:
        return lambda covariance: covariance
    assert base.scale is not None
    scaled = base.basis * base.scale[:, None]
    return lambda covariance: scaled @ covariance
