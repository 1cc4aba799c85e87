"""Modality gap: how far apart the clouds of two modalities lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._checks.matrices import Matrix
from ._metric import metric
from ._moments import column_means
from ._one_space import as_clouds, in_unit
from ._resampling import CI, Estimate, over_rows


@metric("geometry", better="lower", one_space=True)
def modality_gap(X: ArrayLike, Y: ArrayLike, *, ci: CI = None) -> float | Estimate:
    r"""Distance between the centres of two modalities' embeddings.

    .. math:: \Big\| \frac1n \sum_i x_i - \frac1m \sum_j y_j \Big\|_2

    as in [1]_. It compares clouds, not pairs: the numbers of rows may differ, and 0 does not mean
    that partners meet. It grows with the scale of the embeddings; see
    :func:`relative_modality_gap`.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples_x, n_features)
        Embeddings of one modality, as a rule of unit norm.
    Y : array-like or tensor of shape (n_samples_y, n_features)
        Embeddings of the other, in the same space.
    ci : float or Bootstrap, optional
        Level of an interval, such as 0.95, or how it is made; by default none is.

    Returns
    -------
    float or Estimate
        At least 0; at most 2 for rows of unit norm. With ``ci`` an :class:`Estimate`.

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
    X, Y, unit = as_clouds(X, Y)

    def gap(X: Matrix, Y: Matrix) -> float:
        distance = float(np.linalg.norm(column_means(X) - column_means(Y)))
        return in_unit(distance, unit, "the modality gap")

    return over_rows(gap, X, Y, ci=ci, bounds=(0, np.inf))
