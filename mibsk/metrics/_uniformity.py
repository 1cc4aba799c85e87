"""Uniformity: how evenly embeddings fill the sphere."""

from __future__ import annotations

import math

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike

from .._checks.devices import FloatMatrix, Matrix, on_accelerator
from .._checks.magnitudes import largest_magnitude
from .._checks.matrices import as_matrix
from .._checks.parameters import check_positive
from ._description import SPHERE, SQUARE, Description
from ._moments import centred
from .rows import row_norms
from .statistics import (
    CI,
    Estimate,
    Sampled,
    Values,
    as_bootstrap,
    over_parts,
    over_rows,
    share_drawn,
    with_interval,
)

SIDE = 512  # rows and columns of a tile
SIDE_ON_ACCELERATOR = 4096
SMALLEST = 1e-280  # sum of potentials: less may be rounding


@with_interval
def uniformity(X: ArrayLike, *, t: float = 2.0) -> Sampled:
    r"""Logarithm of the mean Gaussian potential of two rows: the uniformity loss of Wang and Isola.

    .. math:: \log \frac{2}{n(n-1)} \sum_{i < j} e^{-t \| x_i - x_j \|_2^2}

    [1]_. **Lower is better**: 0 if all rows are one point, smallest for rows spread evenly over the
    sphere. Memory is bounded: pairs are processed in square tiles.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features)
        Embeddings, usually of unit norm.
    t : float, default=2.0
        Sharpness of the potential, above 0, per squared unit of `X`.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        At most 0; at least ``-4 * t`` for rows of unit norm. With `ci` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If `X` is not a finite matrix, `t` is not positive, or rows are so far apart that their
        potentials are lost in rounding.

    References
    ----------
    .. [1] Wang and Isola, "Understanding Contrastive Representation Learning through Alignment and
       Uniformity on the Hypersphere", ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import uniformity
    >>> round(uniformity(np.eye(4)), 6)  # all at a squared distance of 2
    -4.0
    """
    X = as_matrix(X, "X")
    check_positive("t", t)
    factors = _factors(X, float(t))

    def sampled(ci: CI) -> float | Estimate:
        if ci is not None and not on_accelerator(X):
            drawn = share_drawn(len(X), as_bootstrap(ci), 2) * len(X)
            # otherwise all pairs, with all replicates, are more than the pairs of each
            if len(X) <= drawn * X.shape[1] ** 0.5:
                return over_parts(
                    _log_mean_potential(*factors),
                    lambda parts: _of_parts(*factors, parts[len(X)]),
                    [len(X)],
                    ci=ci,
                    bounds=(-np.inf, 0),
                )
        return over_rows(_log_mean_potential, *factors, ci=ci, bounds=(-np.inf, 0))

    return sampled


def _factors(X: Matrix, t: float) -> tuple[Matrix, Matrix]:
    """Return two matrices whose rows i and j have the inner product ``-t ‖x_i - x_j‖²``."""
    xp = array_namespace(X)
    largest = largest_magnitude(X)
    too_far = (
        f"rows reach {largest:g}, too far for t={t:g}: their potentials would be lost in "
        f"rounding. Scale rows to unit norm, or t down"
    )
    if largest > 1e100:
        raise ValueError(too_far)
    X = centred(X)  # the distances do not change, and lose less to rounding
    squares = t * row_norms(X)[:, None] ** 2
    if float(xp.max(squares)) > 1e-4 / xp.finfo(X.dtype).eps:
        raise ValueError(too_far)
    ones = xp.ones_like(squares)
    X = (2 * t) ** 0.5 * X
    return xp.concat([X, -squares, ones], axis=1), xp.concat([X, ones, -squares], axis=1)


def _log_mean_potential(left: Matrix, right: Matrix) -> float:
    xp, n = array_namespace(left), len(left)
    side = SIDE_ON_ACCELERATOR if on_accelerator(left) else SIDE
    logs = []
    for i in range(0, n, side):
        for j in range(i, n, side):
            exponents = left[i : i + side] @ right[j : j + side].T
            share = 1.0
            if i == j:
                if len(exponents) == 1:
                    continue
                own = xp.arange(len(exponents), device=exponents.device)
                exponents[own, own] = -xp.inf  # no pair
                share = 0.5  # every pair twice
            largest = float(xp.max(exponents))
            exponents -= largest
            logs.append(largest + math.log(share * float(xp.sum(xp.exp(exponents)))))
    mean = float(np.logaddexp.reduce(logs)) - math.log(n * (n - 1) / 2)
    return min(mean, 0.0)  # but for rounding


def _of_parts(left: FloatMatrix, right: FloatMatrix, parts: Values) -> Values:
    """Return the same for many parts of the rows, (r,), given 1 or 0 of each row, (r, n)."""
    n, totals, peak = len(left), np.zeros(len(parts)), -np.inf
    for start in range(0, n, SIDE):
        rows = slice(start, min(start + SIDE, n))
        potentials = left[rows] @ right[start:].T
        own = np.arange(rows.stop - start)
        potentials[:, : len(own)][own[:, None] >= own] = -np.inf  # every pair once
        highest = float(potentials.max())
        if highest > peak:
            totals *= np.exp(peak - highest)
            peak = highest
        potentials -= peak
        np.exp(potentials, out=potentials)
        totals += np.einsum("tr,rt->r", potentials @ parts[:, start:].T, parts[:, rows])
    counts = parts.sum(axis=1)
    means = np.full(len(parts), -np.inf)
    np.log(totals, out=means, where=totals > 0)
    means += peak - np.log(counts * (counts - 1) / 2)
    for i in np.flatnonzero(totals < SMALLEST):  # the largest of all is too far above
        drawn = parts[i] > 0
        means[i] = _log_mean_potential(left[drawn], right[drawn])
    return np.minimum(means, 0.0)  # but for rounding


UNIFORMITY = Description(
    metric=uniformity,
    name="uniformity",
    title="Uniformity",
    group="geometry",
    better="lower",
    meaning="How evenly the rows fill the sphere; 0 is one point, about −4 as even as can be.",
    scored=False,
    source=SPHERE,
    of="each side",
    directions=True,
    span=(-4.0, 0.0),
    max_rows=SQUARE,
    resample_rows=1024,
    n_resamples=200,
)
