"""Whether a relation that is not linear finds more partners: kernel canonical correlations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._tables import Rows

N_LANDMARKS = 512  # of all tables
MOST = 256  # of one
N_DISTANCES = 2000  # of which the width of the kernel is the median


def with_kernel(views: Sequence[Rows], rng: np.random.Generator) -> list[Rows]:
    r"""Return the columns of each table beside features of a Gaussian kernel.

    The features are :math:`\exp(-\lVert x - l \rVert^2 / h)` for landmarks `l` that are rows of the
    table, with the median `h` of the squared distances: the closed form of these columns is the
    canonical correlation analysis of a kernel [1]_, in the form of Nyström [2]_. Both parts have
    the same variance, so that the ridge treats them alike.

    Parameters
    ----------
    views : sequence of ndarray (n, r_m)
        Standardised rows.
    rng : Generator
        Draws the landmarks.

    Returns
    -------
    list of ndarray (n, r_m + k)
        Of mean 0; k is at most 256, half of the rows, and 512 over the number of tables.

    References
    ----------
    .. [1] Hardoon, Szedmak and Shawe-Taylor, "Canonical Correlation Analysis: An Overview with
       Application to Learning Methods", Neural Computation 16, 2004.
    .. [2] Williams and Seeger, "Using the Nyström Method to Speed Up Kernel Machines", NIPS 2000.
    """
    k = max(min(MOST, N_LANDMARKS // len(views), len(views[0]) // 2), 1)
    return [
        np.concatenate([_of_variance_1(view), _of_variance_1(_features(view, k, rng))], axis=1)
        for view in views
    ]


def _features(view: Rows, k: int, rng: np.random.Generator) -> Rows:
    n = len(view)
    i, j = rng.integers(n, size=(2, N_DISTANCES))
    distances = ((view[i] - view[j]) ** 2).sum(axis=1)
    apart = distances[distances > 0]
    width = float(np.median(apart)) if len(apart) else 1.0
    landmarks = view[rng.permutation(n)[:k]]
    squares = (view**2).sum(axis=1)[:, None] + (landmarks**2).sum(axis=1)
    features: Rows = np.exp(-np.maximum(squares - 2 * view @ landmarks.T, 0.0) / width)
    return features


def _of_variance_1(columns: Rows) -> Rows:
    """Return centred columns whose variances add up to 1."""
    centred = columns - columns.mean(axis=0)
    scaled: Rows = centred / np.sqrt(max(float((centred**2).mean(axis=0).sum()), 1e-300))
    return scaled
