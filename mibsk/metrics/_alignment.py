"""Alignment: the mean distance of partners."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike, NDArray

from .._checks.blocks import chunks
from .._checks.devices import Matrix, as_double, to_numpy
from .._checks.parameters import check_positive
from ._description import SPHERE, Description
from ._one_space import as_clouds
from .statistics import Sampled, over_values, with_interval


@with_interval
def alignment(X: ArrayLike, Y: ArrayLike, *, alpha: float = 2.0) -> Sampled:
    r"""Mean distance of partners, to a power: the alignment loss of Wang and Isola.

    .. math:: \frac1n \sum_i \| x_i - y_i \|_2^\alpha

    [1]_. **Lower is better.** Embeddings that have collapsed to a point are perfectly aligned:
    use it together with :func:`uniformity`.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features)
        Embeddings of one modality, usually of unit norm.
    Y : array-like or tensor of shape (n_samples, n_features)
        Embeddings of the other, in the same space; row `i` is the partner of row `i` of `X`.
    alpha : float, default=2.0
        The power, above 0.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        At least 0, the value of equal partners. For rows of unit norm at most ``2 ** alpha``, and
        with ``alpha=2`` it is 2 minus twice the mean cosine of partners. With `ci` an
        :class:`Estimate`.

    Raises
    ------
    ValueError
        If the shapes differ, `alpha` is not positive, or the power is too large for a number.

    References
    ----------
    .. [1] Wang and Isola, "Understanding Contrastive Representation Learning through Alignment and
       Uniformity on the Hypersphere", ICML 2020.

    Examples
    --------
    >>> from mibsk.metrics import alignment
    >>> alignment([[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]])
    1.0
    """
    check_positive("alpha", alpha)
    X, Y, unit = as_clouds(X, Y, paired=True)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        values = squared_distances(X, Y) ** (alpha / 2) * np.float64(unit) ** float(alpha)
        total = values.sum()
    if not total < np.finfo(np.float64).max / len(X):  # resamples may repeat the largest
        raise ValueError(
            f"distances of partners to the power alpha={alpha} are too large for a number: scale "
            f"the rows to unit norm."
        )
    return lambda ci: over_values(values, ci, (0, np.inf))


def squared_distances(X: Matrix, Y: Matrix) -> NDArray[np.float64]:
    """Return the squared distance of each row of `X` to its partner: (n,), in float64."""
    xp = array_namespace(X)
    parts = [
        to_numpy(xp.sum((as_double(x) - as_double(y)) ** 2, axis=1))
        for x, y in zip(chunks(X), chunks(Y), strict=True)
    ]
    return np.concatenate(parts)


ALIGNMENT = Description(
    metric=alignment,
    name="alignment",
    title="Distance of partners",
    group="geometry",
    better="lower",
    meaning="Mean squared distance of a row and its partner.",
    source=SPHERE,
    directions=True,
    one_space=True,
    span=(0.0, 2.0),
)
