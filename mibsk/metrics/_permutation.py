"""Could it be chance? A metric of pairs, beside the same metric of rows paired at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks.matrices import FloatMatrix, Matrix, as_pair, in_range, to_numpy
from .._checks.parameters import check_scalar
from ._cka import cka, repaired_linear_cka
from ._consistency import consistency, consistency_of_product
from ._moments import centred
from ._procrustes import procrustes, procrustes_of_product
from ._pwcca import pwcca, pwcca_of_product
from ._svcca import svcca, svcca_of_product
from .neighbours._cycle_knn import cycle_knn, returns
from .neighbours._edit_distance_knn import edit_distance_knn, edit_similarity
from .neighbours._lcs_knn import common_subsequence, lcs_knn
from .neighbours._mutual_knn import mutual_knn, shared_neighbours
from .neighbours._overlap import neighbours_of_pair, relabelled
from .rows import take_rows

Metric = Callable[..., Any]
Repaired = Callable[[NDArray[np.intp]], float]  # order of the rows of Y -> value

ALTERNATIVES = ("greater", "less", "two-sided")


@dataclass(frozen=True)
class PermutationTest:
    """A metric of pairs, and of the same rows paired at random.

    Attributes
    ----------
    value : float
        Of the pairs.
    p_value : float
        Share of the values, that of the pairs among them, which are as extreme.
    null : ndarray (n_permutations,)
        Values of rows paired at random; their mean is the level of chance.
    """

    value: float
    p_value: float
    null: FloatMatrix = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.value:.3f}, by chance {self.null.mean():.3f}, p = {self.p_value:.3g}"


def permutation_test(
    metric: Metric,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    n_permutations: int = 999,
    alternative: str = "greater",
    random_state: int | None = 0,
    **options: Any,
) -> PermutationTest:
    r"""Test whether the rows of two representations belong together, by pairing them at random.

    .. math:: p = \frac{1 + \#\{b : m(X, Y_{\pi_b}) \ge m(X, Y)\}}{1 + \#b}

    [1]_, with random permutations :math:`\pi_b` of the rows. What does not change with the pairing
    (neighbours, the products of each side with itself) is computed once for the metrics of nearest
    neighbours and for those made of products of columns, such as linear :func:`cka`.

    Parameters
    ----------
    metric : callable
        Of this module, or any function ``(X, Y, **options) -> float``. One that does not depend on
        the pairing, such as :func:`modality_gap`, gives 1.
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row ``i`` is the partner of row ``i`` of ``X``.
    n_permutations : int, default=999
        Number of random pairings; ``1 / (1 + n_permutations)`` is the smallest p-value.
    alternative : {"greater", "less", "two-sided"}, default="greater"
        Which values are extreme: "less" for metrics that are small where partners meet, such as
        :func:`alignment`. "two-sided" doubles the smaller of both.
    random_state : int or None, default=0
        Seed of the permutations; None draws others each time.
    **options : dict
        Further arguments of the metric.

    Returns
    -------
    PermutationTest

    Raises
    ------
    ValueError
        If the rows are not paired, or an argument is out of range.
    TypeError
        If ``metric`` is no function.

    References
    ----------
    .. [1] Phipson and Smyth, "Permutation P-values Should Never Be Zero", Statistical Applications
       in Genetics and Molecular Biology 9, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import cka, permutation_test
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 20))
    >>> permutation_test(cka, X, X + rng.standard_normal((60, 20))).p_value
    0.001
    >>> bool(permutation_test(cka, X, rng.standard_normal((60, 20))).p_value > 0.05)
    True
    """
    if not callable(metric):
        raise TypeError(
            f"metric must be a function such as mibsk.metrics.cka, got {type(metric).__name__}"
        )
    check_scalar("n_permutations", n_permutations, low=1, integer=True)
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative must be one of {list(ALTERNATIVES)}, got {alternative!r}")
    X, Y = as_pair(X, Y)
    value = float(metric(X, Y, **options))
    repaired = _REPAIRED.get(metric, _recompute)(metric, X, Y, options)
    rng = np.random.default_rng(random_state)
    null = np.array([repaired(rng.permutation(len(X))) for _ in range(n_permutations)])
    # values that are equal but for rounding are as extreme
    rounding = 1e-9 * max(abs(value), 1e-9)
    tails = {
        "greater": np.count_nonzero(null >= value - rounding),
        "less": np.count_nonzero(null <= value + rounding),
    }
    p_values: dict[str, float] = {
        name: (1 + count) / (1 + n_permutations) for name, count in tails.items()
    }
    p_values["two-sided"] = min(1.0, 2 * min(p_values.values()))
    return PermutationTest(value, float(p_values[alternative]), null)


def _recompute(metric: Metric, X: Matrix, Y: Matrix, options: dict[str, Any]) -> Repaired:
    return lambda order: float(metric(X, take_rows(Y, order), **options))


def _repaired_cka(metric: Metric, X: Matrix, Y: Matrix, options: dict[str, Any]) -> Repaired:
    """Keep what each side has alone; of a linear kernel only the product across is new."""
    if options.get("kernel", "linear") != "linear":
        return _recompute(metric, X, Y, options)
    return repaired_linear_cka(X, Y, unbiased=options.get("unbiased", False))


def _repaired_knn(metric: Metric, X: Matrix, Y: Matrix, options: dict[str, Any]) -> Repaired:
    """Search for neighbours once: those of reordered rows are the same, under other numbers."""
    per_row, k = _PER_ROW[metric], options.get("k", 10)
    _, _, near_x, near_y = neighbours_of_pair(X, Y, k)
    return lambda order: float(per_row(near_x, relabelled(near_y, order)).mean())


def _repaired_product(metric: Metric, X: Matrix, Y: Matrix, options: dict[str, Any]) -> Repaired:
    """Keep XᵀX and YᵀY, and what follows from them; the product across alone is new."""
    x, y = (centred(in_range(Z)) for Z in (X, Y))
    of_product = _OF_PRODUCT[metric](to_numpy(x.T @ x), to_numpy(y.T @ y), **options)
    return lambda order: of_product(to_numpy(x.T @ take_rows(y, order)))


_OF_PRODUCT: dict[Metric, Callable[..., Callable[[FloatMatrix], float]]] = {
    consistency: consistency_of_product,
    procrustes: procrustes_of_product,
    pwcca: pwcca_of_product,
    svcca: svcca_of_product,
}
_PER_ROW = {
    cycle_knn: returns,
    edit_distance_knn: edit_similarity,
    lcs_knn: common_subsequence,
    mutual_knn: shared_neighbours,
}
_REPAIRED: dict[Metric, Callable[[Metric, Matrix, Matrix, dict[str, Any]], Repaired]] = {
    cka: _repaired_cka,
    **dict.fromkeys(_OF_PRODUCT, _repaired_product),
    **dict.fromkeys(_PER_ROW, _repaired_knn),
}
"""What gives a metric of ``(X, Y[order])`` faster than computing it anew."""
