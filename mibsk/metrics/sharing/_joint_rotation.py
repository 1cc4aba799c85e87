"""Rotations after which the canonical directions of several modalities are told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Matrix = NDArray[np.float64]

RANK_CUTOFF = 1e-8  # of the largest variance of the directions of a modality
N_STARTS = 4  # of which those after the first hardly matter
MANY = 16  # directions, for which there is one start
N_STEPS = 200
CLOSE = 1e-6  # relative gain of a step


def told_apart(covariance: Matrix, parts: Sequence[slice], maps: Sequence[Matrix]) -> list[Matrix]:
    r"""Return other directions of the same spaces, strongest first.

    The directions of largest mean correlation (MAXVAR) are not unique: a factor that two modalities
    share and one that two others share are mixed if they are as strong. Those with the largest sum
    of squared correlations,

    .. math:: \sum_i \sum_{m < l} \rho_{ml,i}^2,

    where the variates of each modality are uncorrelated (SSQCOR [1]_), keep them apart: a mixture
    has less. They are found by steps that never lower the sum, from several starts [2]_.

    Parameters
    ----------
    covariance : ndarray (D, D)
        Covariance of all columns.
    parts : sequence of slice
        Columns of each modality.
    maps : sequence of ndarray (p_m, c)
        Directions of each modality.

    Returns
    -------
    list of ndarray (p_m, c)
        Each variate has variance 1, or 0 where it is empty. The correlations of the variates of a
        direction are positive, as far as one sign for each of them allows.

    References
    ----------
    .. [1] Kettenring, "Canonical analysis of several sets of variables", Biometrika 58, 1971.
    .. [2] Li, Adalı, Wang and Calhoun, "Joint blind source separation by multiset canonical
       correlation analysis", IEEE Transactions on Signal Processing 57, 2009.
    """
    white = [
        A @ _inverse_root(A.T @ covariance[part, part] @ A)
        for A, part in zip(maps, parts, strict=True)
    ]
    n_modalities, c = len(white), white[0].shape[1]
    if not c:
        return list(maps)
    blocks = np.zeros((n_modalities, n_modalities, c, c))
    for m in range(n_modalities):
        for k in range(m):
            blocks[m, k] = white[m].T @ covariance[parts[m], parts[k]] @ white[k]
            blocks[k, m] = blocks[m, k].T
    rotation = np.tile(np.eye(c), (n_modalities, 1, 1))
    if n_modalities > 2:  # of two modalities, they are the canonical directions as they are
        rotation = joint_rotation(blocks)
    found = [
        _of_unit_variance(W @ U, covariance[part, part])
        for W, U, part in zip(white, rotation, parts, strict=True)
    ]
    return _ordered(found, correlations_of(covariance, parts, found))


def joint_rotation(blocks: Matrix) -> Matrix:
    """Return the rotation of each modality with the largest sum of squared correlations.

    Parameters
    ----------
    blocks : ndarray (M, M, c, c)
        Covariances of the whitened modalities, 0 for those with themselves.

    Returns
    -------
    ndarray (M, c, c)
    """
    rng = np.random.default_rng(0)
    n_modalities, _, c, _ = blocks.shape
    best, found = -np.inf, np.empty(0)
    for start in range(N_STARTS if c <= MANY else 1):
        rotation = np.tile(np.eye(c), (n_modalities, 1, 1))
        if start:
            drawn = rng.standard_normal((n_modalities, c, c))
            rotation = np.linalg.qr(drawn)[0]
        rotation, value = _climb(blocks, rotation)
        if value > best * (1 + CLOSE):
            best, found = value, rotation
    return found


def _climb(blocks: Matrix, rotation: Matrix) -> tuple[Matrix, float]:
    """Raise the sum of squared correlations until a step hardly does, and return it."""
    value = -np.inf
    for _ in range(N_STEPS):
        for m, of_m in enumerate(blocks):
            turned = of_m @ rotation  # (M, c, c)
            weights = np.einsum("ij,kij->kj", rotation[m], turned)  # correlations (M, c)
            towards = np.einsum("kij,kj->ij", turned, weights)
            # the faster driver, "gesdd", fails for some matrices that are singular
            left, _, right = scipy.linalg.svd(towards, lapack_driver="gesvd")
            rotation[m] = left @ right
        before, value = value, 0.0
        for of_m, own in zip(blocks, rotation, strict=True):
            value += float((np.einsum("ij,kij->kj", own, of_m @ rotation) ** 2).sum())
        if value - before <= CLOSE * abs(value):
            break
    return rotation, value


def matched(
    maps: Sequence[Matrix],
    to: Sequence[Matrix],
    covariance: Matrix,
    parts: Sequence[slice],
) -> list[Matrix]:
    """Return directions in the order and with the signs of the most similar ones among others.

    The order is that of the largest sum of squared correlations with the variates `to`, of each
    modality by itself: two directions of which each is carried by modalities that the other is not
    carried by may be one direction in one solution and two in another.
    """
    weights = (correlations_of(covariance, parts, to) ** 2).sum(axis=2) - 1  # (c, M)
    found = []
    for m, (A, B, part) in enumerate(zip(maps, to, parts, strict=True)):
        similarity = B.T @ covariance[part, part] @ A
        _, order = linear_sum_assignment(-weights[:, m, None] * similarity**2)
        signs = np.where(similarity[np.arange(len(order)), order] < 0, -1.0, 1.0)
        found.append(A[:, order] * signs)
    return found


def correlations_of(covariance: Matrix, parts: Sequence[slice], maps: Sequence[Matrix]) -> Matrix:
    """Return the correlations of the variates of each direction (c, M, M), 0 of empty ones."""
    n_modalities, c = len(maps), maps[0].shape[1]
    found = np.tile(np.eye(n_modalities), (c, 1, 1))
    for m in range(n_modalities):
        for k in range(m):
            block = covariance[parts[m], parts[k]] @ maps[k]
            found[:, m, k] = found[:, k, m] = (maps[m] * block).sum(axis=0)
    return found


def _ordered(maps: list[Matrix], correlations: Matrix) -> list[Matrix]:
    """Return the directions, strongest first, with the signs of the leading eigenvectors."""
    strength = (correlations**2).sum(axis=(1, 2))
    order = np.argsort(-strength, kind="stable")
    _, vectors = np.linalg.eigh(correlations[order])
    leading = vectors[:, :, -1]  # (c, M)
    signs = np.where(leading * np.sign(leading.sum(axis=1, keepdims=True) + 1e-12) < 0, -1.0, 1.0)
    return [A[:, order] * signs[:, m] for m, A in enumerate(maps)]


def _inverse_root(covariance: Matrix) -> Matrix:
    """Return the symmetric inverse root of a covariance, 0 where it has none."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > RANK_CUTOFF * max(values[-1], 0.0) if len(values) else np.empty(0, bool)
    root: Matrix = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
    return root


def _of_unit_variance(maps: Matrix, covariance: Matrix) -> Matrix:
    variances = (maps * (covariance @ maps)).sum(axis=0)
    scaled: Matrix = maps / np.sqrt(np.where(variances > RANK_CUTOFF, variances, np.inf))
    return scaled
