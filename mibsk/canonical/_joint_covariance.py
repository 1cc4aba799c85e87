"""The joint covariance of modalities, from rows of which some lack modalities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg

from ._pair_sums import Matrix

if TYPE_CHECKING:
    from ._moments import Moments

RANK_CUTOFF = 1e-12
"""Share of the largest variance below which a direction of a modality is rounding."""

FLOOR = 1e-6
"""Smallest eigenvalue of the covariance of the whitened modalities."""

SHRINKAGE = 0.1  # weight of all rows beside those of a pair, per column and row of the pair
N_CYCLES = 50
CLOSE = 1e-6


def joint_covariance(moments: Moments) -> Matrix:
    r"""Return the covariance of all columns (D, D), positive definite up to the modalities' ranks.

    The block of a modality is the covariance of all rows that have it. That between two modalities
    begins as the joint covariance of the rows that have both, which is then adjusted to the block
    of each by iterative proportional fitting [1]_ [2]_ (`fit_to_margins`). How the modalities
    depend on each other, their part of the inverse, stays the same: covariances of the pairs beside
    those of all rows as they are give directions that are worse than those of the pairs alone.

    The blocks between modalities that no rows have in common are those of the largest determinant:
    the two modalities do not depend on each other given all others [3]_.

    Blocks from different rows need not be a covariance. If the matrix of the whitened modalities
    has eigenvalues below ``1e-6``, they are raised to it, and the modalities are whitened again,
    which leaves the blocks within modalities as they are.

    References
    ----------
    .. [1] Deming and Stephan, "On a least squares adjustment of a sampled frequency table when the
       expected marginal totals are known", Annals of Mathematical Statistics 11, 1940.
    .. [2] Speed and Kiiveri, "Gaussian Markov distributions over finite graphs", Annals of
       Statistics 14, 1986.
    .. [3] Dempster, "Covariance Selection", Biometrics 28, 1972.
    """
    parts, counts = moments.parts, moments.counts
    blocks, sums = moments.blocks, moments.pair_sums
    covariance = np.zeros_like(moments.products)
    whiteners, roots, places, end = [], [], [], 0
    for m, part in enumerate(parts):
        covariance[part, part] = blocks[m][m] / max(counts[m, m], 1)
        values, vectors = np.linalg.eigh(covariance[part, part])
        kept = values > max(RANK_CUTOFF * values[-1], np.finfo(float).tiny)
        deviations = np.sqrt(values[kept])
        whiteners.append(vectors[:, kept] / deviations)
        roots.append(vectors[:, kept] * deviations)
        places.append(slice(end, end + len(deviations)))
        end += len(deviations)
    white = np.eye(end)
    pairs = list(combinations(range(len(parts)), 2))
    for m, k in pairs:
        n, most = counts[m, k], max(counts[m, m], counts[k, k])
        if n < 2:
            continue
        block = whiteners[m].T @ (blocks[k][m].T / n) @ whiteners[k]
        if n < most:
            a, b = (
                W.T @ (sums.own_scatter(parts, i, j) / n) @ W
                for i, j, W in ((m, k, whiteners[m]), (k, m, whiteners[k]))
            )
            weight = SHRINKAGE * (len(a) + len(b)) * (1 / n - 1 / most)
            block = fit_to_margins(a + weight * np.eye(len(a)), b + weight * np.eye(len(b)), block)
        white[places[m], places[k]], white[places[k], places[m]] = block, block.T
    _fill_unseen(white, places, counts > 1)
    white = with_floor(white, places)
    for m, k in pairs:
        block = roots[m] @ white[places[m], places[k]] @ roots[k].T
        covariance[parts[m], parts[k]], covariance[parts[k], parts[m]] = block, block.T
    return covariance


def fit_to_margins(A: Matrix, B: Matrix, C: Matrix) -> Matrix:
    """Return the block C (p, q) of the joint covariance ``[[A, C], [C.T, B]]``, as adjusted.

    The margins become the identity, one after the other, while the regression of the other side on
    this one stays as it is, until C does not change.

    Parameters
    ----------
    A, B : ndarray (p, p), (q, q)
        Positive definite.
    C : ndarray (p, q)
        The joint covariance is positive definite.
    """
    for _ in range(N_CYCLES):
        before = C
        # y = G.T x + rest; then the covariance of x is the identity
        G = scipy.linalg.solve(A, C, assume_a="pos")
        B, C = B - C.T @ G + G.T @ G, G
        G = scipy.linalg.solve(B, C.T, assume_a="pos")
        A, C = np.eye(len(A)) - C @ G + G.T @ G, G.T
        B = np.eye(len(B))
        if np.abs(C - before).max(initial=0.0) < CLOSE:
            break
    return C


def with_floor(white: Matrix, places: Sequence[slice]) -> Matrix:
    """Return the matrix with no small eigenvalue, and the identity within modalities.

    Parameters
    ----------
    white : ndarray (r, r)
        Symmetric, with the identity within modalities.
    places : sequence of slice
        Rows of each modality.
    """
    values, vectors = np.linalg.eigh(white)
    if not len(values) or values[0] >= FLOOR:
        return white
    raised = white + (vectors * np.maximum(FLOOR - values, 0.0)) @ vectors.T
    whiteners = []
    for place in places:
        values, vectors = np.linalg.eigh(raised[place, place])  # 1 at least
        whiteners.append((vectors / np.sqrt(values)) @ vectors.T)
    for m, a in enumerate(places):
        raised[a, a] = np.eye(a.stop - a.start)
        for k, b in enumerate(places[:m]):
            block = whiteners[m] @ raised[a, b] @ whiteners[k]
            raised[a, b], raised[b, a] = block, block.T
    return raised


def _fill_unseen(white: Matrix, places: Sequence[slice], seen: np.ndarray) -> None:
    """Fill the blocks of unseen pairs, which are 0, one after the other, until none changes."""
    unseen = [pair for pair in combinations(range(len(places)), 2) if not seen[pair]]
    for cycle in range(N_CYCLES if unseen else 0):
        change = 0.0
        for m, k in unseen:
            a, b = places[m], places[k]
            others = [
                np.arange(place.start, place.stop)
                for i, place in enumerate(places)
                if i not in (m, k) and (cycle or (seen[i, m] and seen[i, k]))
            ]
            if not others:
                continue
            rest = np.concatenate(others)
            inner = np.linalg.pinv(white[np.ix_(rest, rest)], rcond=CLOSE, hermitian=True)
            block = white[a, rest] @ inner @ white[rest, b]
            change = max(change, float(np.abs(block - white[a, b]).max(initial=0.0)))
            white[a, b], white[b, a] = block, block.T
        if change < CLOSE:
            break
