"""Modality gap: the distance between the means of two modalities."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._checks.devices import Matrix, on_accelerator
from ._description import Description
from ._moments import column_means, sums_of_parts
from ._one_space import as_clouds, in_unit
from .statistics import CI, Estimate, Sampled, Values, over_parts, over_rows, with_interval


@with_interval
def modality_gap(X: ArrayLike, Y: ArrayLike) -> Sampled:
    r"""Distance between the centres of two modalities' embeddings.

    .. math:: \Big\| \frac1n \sum_i x_i - \frac1m \sum_j y_j \Big\|_2

    as in [1]_. It compares means, not pairs: the numbers of rows may differ, and 0 does not mean
    that partners are equal. It grows with the scale of the embeddings; see
    :func:`relative_modality_gap`.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples_x, n_features)
        Embeddings of one modality, usually of unit norm.
    Y : array-like or tensor of shape (n_samples_y, n_features)
        Embeddings of the other, in the same space.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        At least 0; at most 2 for rows of unit norm. With `ci` an :class:`Estimate`.

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

    def gaps(drawn: dict[int, Values]) -> Values:
        x, y = (sums_of_parts(drawn[len(Z)], Z) for Z in (X, Y))
        x /= drawn[len(X)].sum(axis=1, keepdims=True)
        y /= drawn[len(Y)].sum(axis=1, keepdims=True)
        distances = np.linalg.norm(x - y, axis=1)
        return np.array([in_unit(distance, unit, "the modality gap") for distance in distances])

    def sampled(ci: CI) -> float | Estimate:
        if ci is None or on_accelerator(X):
            return over_rows(gap, X, Y, ci=ci, bounds=(0, np.inf))
        return over_parts(gap(X, Y), gaps, (len(X), len(Y)), ci=ci, bounds=(0, np.inf))

    return sampled


MODALITY_GAP = Description(
    metric=modality_gap,
    name="modality_gap",
    title="Modality gap",
    group="geometry",
    better="lower",
    meaning="Distance between the centres of the two clouds.",
    source='Liang et al., "Mind the Gap: Understanding the Modality Gap in Multi-modal '
    'Contrastive Representation Learning", NeurIPS 2022',
    directions=True,
    one_space=True,
    span=(0.0, 2.0),
)
