"""CKNNA: centred kernel alignment of nearest neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..._checks.blocks import CHUNK_SIZE, tiles
from ..._checks.devices import Matrix, on_accelerator
from ..._checks.magnitudes import in_range
from ..._checks.matrices import as_pair
from ..._checks.parameters import check_k
from .._description import PLATONIC, SQUARE, Description
from ..rows import take_rows
from ..statistics import Reordered, Sampled, Values, fast_permutations, with_interval
from ..undefined import UndefinedMetricError
from ._memberships import Memberships
from ._nearest import Indices, nearest_neighbours
from ._neighbour_kernel import NeighbourKernel, shared_hsic
from ._overlap import over_neighbours


def _reorder(X: Matrix, Y: Matrix, k: int = 10) -> Reordered | None:
    """Return how CKNNA is computed for many orders of the rows of `Y`, in one search."""
    X, Y = in_range(X), in_range(Y)
    x, y = nearest_neighbours(X, k), nearest_neighbours(Y, k)
    if x.tied.any() or y.tied.any():
        return None
    K, L = NeighbourKernel.of(X, x.near), NeighbourKernel.of(Y, y.near)
    own = float(np.sqrt(K.hsic(K)) * np.sqrt(L.hsic(L)))

    def value(order: Indices) -> float:
        return shared_hsic(K, L.reordered(order)) / own

    return value


@fast_permutations(_reorder)
@with_interval
def cknna(X: ArrayLike, Y: ArrayLike, *, k: int = 10) -> Sampled:
    r"""Centred kernel nearest-neighbour alignment of two representations.

    With the kernels :math:`K = XX^\top, L = YY^\top`, and the mask :math:`a_{ij} = 1` where ``j``
    is among the `k` nearest neighbours of ``i`` in `X` **and** in `Y`, else 0 [1]_,

    .. math:: \mathrm{CKNNA} = \frac{\mathrm{Align}(K, L)}
              {\sqrt{\mathrm{Align}(K, K)\,\mathrm{Align}(L, L)}},
              \qquad \mathrm{Align}(K, L) = \mathrm{HSIC}_1(a \odot K, a \odot L)

    where the mask of :math:`\mathrm{Align}(K, K)` has the neighbours in `X` alone, and
    :math:`\mathrm{HSIC}_1` is the unbiased estimator of [2]_. For ``k = n_samples - 1`` it is
    unbiased CKA; the smaller `k`, the more local. Neighbourhood is not mutual, so the masked
    kernels are not symmetric, and the metric is only nearly so. Only neighbours are stored,
    ``n_samples * k`` numbers. Rows and memory are as in :func:`mutual_knn`. Where rows are equally
    near, each mask is its mean over all ways to break such ties, independently in `X` and in `Y`:
    :math:`a_{ij} = p^X_{ij} p^Y_{ij}` with the probabilities :math:`p` of :func:`mutual_knn`.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row `i` is the partner of row `i` of `X`.
    k : int, default=10
        Number of neighbours, in ``1..n_samples - 1``.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        1 for representations that are equal up to rotation and scale, near 0 for independent ones.
        Beyond that it has no strict bounds, since the three masks differ. With `ci` an
        :class:`Estimate`.

    Raises
    ------
    ValueError
        If `k` is out of range, there are fewer than 4 rows, or an alignment of a representation
        with itself is not positive, as if few rows are neighbours of each other.

    References
    ----------
    .. [1] Huh et al., "The Platonic Representation Hypothesis", ICML 2024.
    .. [2] Song et al., "Feature Selection via Dependence Maximization", JMLR 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import cknna
    >>> X, noise = np.random.default_rng(0).standard_normal((2, 100, 3))
    >>> round(cknna(X, 5 * X), 6), round(cknna(X, X + noise), 1)
    (1.0, 0.4)
    """
    X, Y = as_pair(X, Y)
    check_k(k, len(X) - 1)
    if len(X) < 4:
        raise ValueError(f"CKNNA needs at least 4 rows, got {len(X)}: pass more samples.")
    X, Y = in_range(X), in_range(Y)
    value = _cknna(X, Y, k)
    if np.isnan(value):
        raise UndefinedMetricError(
            f"CKNNA is undefined for k={k} and {len(X)} rows: the estimated HSIC of {{X}} or of "
            f"{{Y}} with itself, among neighbours, is not positive; pass more samples or "
            "a larger k."
        )

    def of_drawn(near_x: Indices, near_y: Indices, rows: Indices) -> float:
        return _aligned(take_rows(X, rows), take_rows(Y, rows), near_x, near_y)

    def anew(rows: Indices) -> float:
        return _cknna(take_rows(X, rows), take_rows(Y, rows), k)

    size = 0 if on_accelerator(X) or on_accelerator(Y) else CHUNK_SIZE
    return over_neighbours(value, of_drawn, anew, X, Y, k, min_rows=4, size=size)


def _cknna(X: Matrix, Y: Matrix, k: int) -> float:
    """Return CKNNA, or NaN where it is not defined."""
    x, y = nearest_neighbours(X, k), nearest_neighbours(Y, k)
    if x.tied.any() or y.tied.any():
        return _aligned_with_ties(X, Y, k)
    return _aligned(X, Y, x.near, y.near)


def _aligned_with_ties(X: Matrix, Y: Matrix, k: int) -> float:
    """Return CKNNA with the expected masks, in tiles of rows."""
    n = len(X)
    own_x, own_y, shared = (_Sums(n) for _ in range(3))
    x, y = Memberships(X, k), Memberships(Y, k)
    for part in tiles(n, n):
        rows = np.arange(part.start, part.stop)
        (K, there_x, back_x), (L, there_y, back_y) = x.tile(rows), y.tile(rows)
        K /= x.largest_product
        L /= y.largest_product
        own_x.add(part, K * there_x, K * there_x, K * back_x)
        own_y.add(part, L * there_y, L * there_y, L * back_y)
        there, back = there_x * there_y, back_x * back_y
        shared.add(part, K * there, L * there, L * back)
    if not (own_x.hsic_is_positive() and own_y.hsic_is_positive()):
        return np.nan
    return shared.hsic() / float(np.sqrt(own_x.hsic()) * np.sqrt(own_y.hsic()))


class _Sums:
    """What HSIC_1 of two masked kernels needs, added up over tiles of rows."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.trace = self.squares = 0.0
        self.columns_x, self.rows_y = np.zeros((2, n))

    def add(self, part: slice, K: Values, L: Values, L_transposed: Values) -> None:
        """Add some rows of both, and of the second transposed: (t, n) each."""
        self.trace += float(np.vdot(K, L_transposed))
        self.squares += float(np.vdot(K, K))
        self.columns_x += K.sum(axis=0)
        self.rows_y[part] = L.sum(axis=1)

    def hsic(self) -> float:
        """Return HSIC_1, times ``n(n-3)``."""
        n, total_x, total_y = self.n, self.columns_x.sum(), self.rows_y.sum()
        total = total_x * total_y / ((n - 1) * (n - 2))
        return float(self.trace + total - 2 * (self.columns_x @ self.rows_y) / (n - 2))

    def hsic_is_positive(self) -> bool:
        """Whether HSIC_1 of a kernel with itself exceeds rounding."""
        return self.hsic() > 1e-13 * self.squares


def _aligned(X: Matrix, Y: Matrix, near_x: Indices, near_y: Indices) -> float:
    """Return CKNNA from lists without ties, or NaN where it is not defined."""
    K, L = NeighbourKernel.of(X, near_x), NeighbourKernel.of(Y, near_y)
    own_x, own_y = K.hsic(K), L.hsic(L)
    for own, kernel in ((own_x, K), (own_y, L)):
        if own <= 1e-13 * (kernel.values @ kernel.values):  # rounding
            return np.nan
    return shared_hsic(K, L) / float(np.sqrt(own_x) * np.sqrt(own_y))


CKNNA = Description(
    metric=cknna,
    name="cknna",
    title="CKNNA",
    group="alignment",
    better="higher",
    meaning="CKA among the neighbours that both sides have in common.",
    source=PLATONIC,
    takes_k=True,
    directions=True,
    span=(-0.2, 1.0),
    max_rows=SQUARE,
    resample_rows=1024,
    n_resamples=100,
    test_rows=500,
)
