"""Relative modality gap: the distance of partners relative to those within a modality."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._checks.blocks import chunks
from .._checks.devices import Matrix, on_accelerator
from ._alignment import squared_distances
from ._description import Description
from ._moments import centred_chunks, column_means, sums_of_parts
from ._one_space import as_clouds
from .rows import squared_norms
from .statistics import CI, Estimate, Sampled, Values, over_parts, over_rows, with_interval
from .undefined import UndefinedMetricError

ROUNDING = 1e-12  # of a sum of squares: less is 0


@with_interval
def relative_modality_gap(X: ArrayLike, Y: ArrayLike) -> Sampled:
    r"""Distance of partners as a share of that and the distances within the modalities.

    .. math:: \mathrm{RMG} = \frac{d_{xy}}{d_{xy} + \frac12 (d_{xx} + d_{yy})}, \qquad
              d_{xy} = \frac1n \sum_i \| x_i - y_i \|^2, \quad
              d_{xx} = \frac1{n(n-1)} \sum_{i \neq j} \| x_i - x_j \|^2

    and :math:`d_{yy}` alike. For rows of unit norm, where a squared distance is twice the cosine
    distance, this is the measure of [1]_, which takes ``(1 - cosine) / 2`` in all three places.
    Unlike :func:`modality_gap` it compares pairs and does not depend on scale. No two rows of
    one modality are compared: :math:`d_{xx}` is twice the sum of the variances of the columns.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features)
        Embeddings of one modality, usually of unit norm.
    Y : array-like or tensor of shape (n_samples, n_features)
        Embeddings of the other, in the same space; row `i` is the partner of row `i` of `X`.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        In [0, 1]: 0 if partners are equal, about 1/2 for independent rows with one mean, towards 1
        if the modalities are apart. With `ci` an :class:`Estimate`.

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
    X, Y, _ = as_clouds(X, Y, paired=True)
    if np.isnan(_relative_gap(X, Y)):
        raise UndefinedMetricError(
            f"the relative modality gap is undefined: all {len(X)} rows of {{X}} and of {{Y}} are "
            f"one point; pass rows that vary."
        )

    def sampled(ci: CI) -> float | Estimate:
        if ci is None or on_accelerator(X):
            return over_rows(_relative_gap, X, Y, ci=ci, bounds=(0, 1))
        return over_parts(_relative_gap(X, Y), _OfParts(X, Y), [len(X)], ci=ci, bounds=(0, 1))

    return sampled


class _OfParts:
    """The relative gaps of many parts of the rows, from sums over the rows of each.

    The sum of squares about the mean of a part is that about the mean of all rows, less the squared
    distance of both means for each row.
    """

    def __init__(self, X: Matrix, Y: Matrix) -> None:
        self.sides = X, Y
        self.means = column_means(X), column_means(Y)
        self.between = squared_distances(X, Y)
        self.squares = np.zeros(len(X))
        for Z, mean in zip(self.sides, self.means, strict=True):
            self.squares += np.concatenate([squared_norms(part - mean) for part in chunks(Z)])

    def __call__(self, drawn: dict[int, Values]) -> Values:
        [parts] = drawn.values()
        n = parts.sum(axis=1)
        about_all = parts @ self.squares
        within = about_all.copy()
        for Z, mean in zip(self.sides, self.means, strict=True):
            shift = sums_of_parts(parts, Z) / n[:, None] - mean
            within -= n * squared_norms(shift)
        within[within < ROUNDING * about_all] = 0  # equal rows
        within /= n - 1
        between = parts @ self.between / n
        both = between + within
        return np.divide(between, both, out=np.full_like(both, np.nan), where=both > 0)


def _relative_gap(X: Matrix, Y: Matrix) -> float:
    between = float(squared_distances(X, Y).mean())
    squares = sum(
        float(squared_norms(x).sum() + squared_norms(y).sum()) for x, y in centred_chunks(X, Y)
    )
    within = squares / (len(X) - 1)
    return between / (between + within) if between + within > 0 else np.nan


RELATIVE_MODALITY_GAP = Description(
    metric=relative_modality_gap,
    name="relative_modality_gap",
    title="Relative modality gap",
    group="geometry",
    better="lower",
    meaning="Distance of partners as a share of that and the distances within each side.",
    source='Schrodi et al., "Two Effects, One Trigger: On the Modality Gap, Object Bias, and '
    'Information Imbalance in Contrastive Vision-Language Models", ICLR 2025',
    directions=True,
    one_space=True,
)
