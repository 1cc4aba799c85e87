"""Modality gap: how far apart the clouds of two modalities lie."""

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import as_matrix, check_same_columns


def modality_gap(X: ArrayLike, Y: ArrayLike) -> float:
    r"""Distance between the centres of two modalities' embeddings.

    .. math:: \Big\| \frac1n \sum_i x_i - \frac1m \sum_j y_j \Big\|_2

    as in [1]_. It compares clouds, not pairs: the numbers of rows may differ, and 0 does not mean
    that partners meet.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples_x, n_features)
        Embeddings of one modality, as a rule of unit norm.
    Y : array-like or tensor of shape (n_samples_y, n_features)
        Embeddings of the other, in the same space.

    Returns
    -------
    float
        At least 0; at most 2 for rows of unit norm.

    Raises
    ------
    ValueError
        If the inputs are not finite matrices with as many columns.

    References
    ----------
    .. [1] Liang et al., "Mind the Gap: Understanding the Modality Gap in Multi-modal Contrastive
       Representation Learning", NeurIPS 2022.

    Examples
    --------
    >>> from mibsk.metrics import modality_gap
    >>> modality_gap([[0.0, 1.0], [0.0, 3.0]], [[3.0, 6.0], [3.0, 6.0]])
    5.0
    """
    X, Y = as_matrix(X, "X"), as_matrix(Y, "Y")
    check_same_columns(X, Y)
    return float(np.hypot.reduce(X.mean(axis=0) - Y.mean(axis=0)))
