"""Permutation tests: a metric of pairs compared with the same metric of random pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._checks.devices import FloatMatrix
from ..._checks.matrices import as_pair
from ..._checks.parameters import check_scalar
from ..._checks.row_names import check_row_names
from ..rows import take_rows

M = TypeVar("M", bound=Callable[..., Any])
Reordered = Callable[[NDArray[np.intp]], float]
"""From an order of the rows of `Y` to the metric of ``(X, Y[order])``."""

_FAST: dict[Callable[..., Any], Callable[..., Reordered | None]] = {}

ALTERNATIVES = ("greater", "less", "two-sided")


def fast_permutations(reorder: Callable[..., Reordered | None]) -> Callable[[M], M]:
    """Decorate a metric with a faster way to compute it for many orders of the rows of `Y`.

    Parameters
    ----------
    reorder : callable
        ``(X, Y, **options) -> Reordered``, or None where there is no faster way.
    """

    def register(metric: M) -> M:
        _FAST[metric] = reorder
        return metric

    return register


@dataclass(frozen=True)
class PermutationTest:
    """The value of a metric, and its values for rows paired at random.

    Attributes
    ----------
    value : float
        Value for the given pairs.
    p_value : float
        Share of values as extreme, among those of random pairs and `value`.
    null : ndarray (n_permutations,)
        Values for rows paired at random.
    """

    value: float
    p_value: float
    null: FloatMatrix = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.value:.3f}, by chance {self.null.mean():.3f}, p = {self.p_value:.3g}"


def permutation_test(
    metric: Callable[..., Any],
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

    [1]_, with random permutations :math:`\pi_b` of the rows. For metrics of nearest neighbours, and
    for those of products of columns such as linear :func:`cka`, what does not depend on the pairing
    is computed once.

    Parameters
    ----------
    metric : callable
        A metric of this package, or any function ``(X, Y, **options) -> float``. One that does not
        depend on the pairing, such as :func:`modality_gap`, has a p-value of 1.
    X : array-like or tensor of shape (n_samples, n_features_x)
        One representation.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        Another one; row `i` is the partner of row `i` of `X`.
    n_permutations : int, default=999
        Number of random pairings; ``1 / (1 + n_permutations)`` is the smallest p-value.
    alternative : {"greater", "less", "two-sided"}, default="greater"
        Which values are extreme: "less" for metrics that are small for matching pairs, such as
        :func:`alignment`. "two-sided" doubles the smaller p-value of both.
    random_state : int or None, default=0
        Seed of the permutations; None: new ones in each call.
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
        If `metric` is not callable.

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
            f"metric must be a function such as mibsk.metrics.cka, got {type(metric).__name__}."
        )
    check_scalar("n_permutations", n_permutations, low=1, integer=True)
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative must be one of {list(ALTERNATIVES)}, got {alternative!r}.")
    labels = options.get("labels")
    check_row_names(
        {
            "X": X,
            "labels": dict(enumerate(labels)) if isinstance(labels, tuple) else labels,
            "sample_weight": options.get("sample_weight"),
        }
    )
    X, Y = as_pair(X, Y)
    value = float(metric(X, Y, **options))
    fast = _FAST.get(metric)
    reordered = (fast and fast(X, Y, **options)) or (
        lambda order: metric(X, take_rows(Y, order), **options)
    )
    rng = np.random.default_rng(random_state)
    null = np.array([float(reordered(rng.permutation(len(X)))) for _ in range(n_permutations)])
    # values that are equal up to rounding are as extreme
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
