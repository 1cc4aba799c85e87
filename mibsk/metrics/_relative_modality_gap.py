"""Relative modality gap: how far apart partners lie, as against rows of one modality."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._checks.matrices import Matrix, check_same_rows
from ._alignment import squared_distances
from ._metric import metric
from ._moments import centred_chunks
from ._one_space import as_clouds
from ._resampling import CI, Estimate, over_rows
from .neighbours._similarities import squared_norms


@metric("geometry", better="lower", one_space=True)
def relative_modality_gap(X: ArrayLike, Y: ArrayLike, *, ci: CI = None) -> float | Estimate:
    r"""Distance of partners as a share of that and the distances within the modalities.

    .. math:: \mathrm{RMG} = \frac{d_{xy}}{d_{xy} + \frac12 (d_{xx} + d_{yy})}, \qquad
              d_{xy} = \frac1n \sum_i \| x_i - y_i \|^2, \quad
              d_{xx} = \frac1{n(n-1)} \sum_{i \neq j} \| x_i - x_j \|^2

    and :math:`d_{yy}` alike. For rows of unit norm, where a squared distance is twice the cosine
    distance, this is the measure of [1]_, which takes ``(1 - cosine) / 2`` in all three places.
    Other than :func:`modality_gap` it looks at pairs and does not depend on scale. No two rows of
    one modality are compared: :math:`d_{xx}` is twice the sum of the variances of the columns.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features)
        Embeddings of one modality, as a rule of unit norm.
    Y : array-like or tensor of shape (n_samples, n_features)
        Embeddings of the other, in the same space; row ``i`` is the partner of row ``i`` of ``X``.
    ci : float or Bootstrap, optional
        Level of an interval, such as 0.95, or how it is made; by default none is.

    Returns
    -------
    float or Estimate
        In [0, 1]: 0 where partners meet, about 1/2 for independent rows with one mean, towards 1
        where the clouds are apart. With ``ci`` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If the shapes differ, or all rows of both are equal (the ratio is 0/0).

    References
    ----------
    .. [1] Schrodi et al., "Two Effects, One Trigger: On the Modality Gap, Object Bias, and
       Information Imbalance in Contrastive Vision-Language Models", ICLR 2025.

    Examples
    --------
    >>> from mibsk.metrics import relative_modality_gap
    >>> relative_modality_gap([[0.0, 1.0], [0.0, 3.0]], [[2.0, 1.0], [2.0, 3.0]])
    0.5
    """
    X, Y, _ = as_clouds(X, Y)
    check_same_rows(X, Y)
    if np.isnan(_relative_gap(X, Y)):
        raise ValueError(
            f"the relative modality gap is undefined: all {len(X)} rows of X and of Y are one "
            f"point; pass rows that vary"
        )
    return over_rows(_relative_gap, X, Y, ci=ci, bounds=(0, 1))


def _relative_gap(X: Matrix, Y: Matrix) -> float:
    between = float(squared_distances(X, Y).mean())
    squares = sum(
        float(squared_norms(x).sum() + squared_norms(y).sum()) for x, y in centred_chunks(X, Y)
    )
    within = squares / (len(X) - 1)
    return between / (between + within) if between + within > 0 else np.nan
