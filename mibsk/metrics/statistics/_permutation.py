"""Permutation tests: a metric of pairs compared with the same metric of random pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._checks.devices import FloatMatrix, Matrix
from ..._checks.matrices import as_pair
from ..._checks.parameters import check_scalar
from ..._checks.row_names import check_row_names
from ..rows import take_rows

M = TypeVar("M", bound=Callable[..., Any])
Reordered = Callable[[NDArray[np.intp]], float]
"""From an order of the rows of `Y` to the metric of ``(X, Y[order])``."""

_FAST: dict[Callable[..., Any], Callable[..., Reordered | None]] = {}
_MAXIMA: dict[Callable[..., Any], float] = {}

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


def state_maximum(metric: Callable[..., Any], maximum: float) -> None:
    """State the value of a metric for representations that agree in full."""
    _MAXIMA[metric] = maximum


@dataclass(frozen=True)
class PermutationTest:
    r"""The value of a metric, and its values for rows paired at random.

    Attributes
    ----------
    value : float
        Value for the given pairs; of several representations the most extreme one.
    p_value : float
        Share of values as extreme, among those of random pairs and `value`.
    null : ndarray (n_permutations,)
        Values for rows paired at random.
    maximum : float or None
        Value for representations that agree in full; None if the metric states none.
    values : dict
        Of several representations: the value of each pair of names.
    """

    value: float
    p_value: float
    null: FloatMatrix = field(repr=False, compare=False)
    maximum: float | None = field(default=None, repr=False)
    values: dict[tuple[Any, Any], float] = field(default_factory=dict, repr=False)

    @property
    def calibrated(self) -> float | None:
        r"""The value on a scale where chance is 0 and full agreement 1.

        .. math:: \frac{s - \bar s_0}{s_{\max} - \bar s_0}

        with :math:`\bar s_0` the mean of `null`: the correction for chance of [1]_. Metrics whose
        chance level depends on the numbers of rows and columns, such as biased :func:`cka`, can
        then be compared between sizes; below 0 is less than chance. The ends of an interval of the
        value are corrected in the same way. None if the metric states no maximum, or chance
        reaches it.

        References
        ----------
        .. [1] Hubert and Arabie, "Comparing Partitions", Journal of Classification 2, 1985.
        """
        if self.maximum is None:
            return None
        level = float(self.null.mean())
        room = self.maximum - level
        return (self.value - level) / room if room > 1e-9 * abs(self.maximum) else None

    @property
    def best(self) -> tuple[Any, Any] | None:
        """Of several representations: the names of the pair that has the value, else None."""
        return next((pair for pair, found in self.values.items() if found == self.value), None)

    def __str__(self) -> str:
        return f"{self.value:.3f}, by chance {self.null.mean():.3f}, p = {self.p_value:.3g}"


def permutation_test(
    metric: Callable[..., Any],
    X: ArrayLike | Mapping[Any, ArrayLike],
    Y: ArrayLike | Mapping[Any, ArrayLike],
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

    The best of several pairs, such as of all layers of two models, is high by the search alone.
    Pass mappings of names to representations: the test is then one of the largest value over all
    pairs (the smallest with ``alternative="less"``), and each permutation reorders all of `Y`
    alike, so that p-value, null distribution and calibrated value account for the search [2]_:

    .. math:: m(X, Y) = \max_{a, b} m(X_a, Y_b)

    Parameters
    ----------
    metric : callable
        A metric of this package, or any function ``(X, Y, **options) -> float``. One that does not
        depend on the pairing, such as :func:`modality_gap`, has a p-value of 1.
    X : array-like or tensor of shape (n_samples, n_features_x), or mapping of such
        One representation, or several to search.
    Y : array-like or tensor of shape (n_samples, n_features_y), or mapping of such
        Another one; row `i` is the partner of row `i` of `X`.
    n_permutations : int, default=999
        Number of random pairings; ``1 / (1 + n_permutations)`` is the smallest p-value.
    alternative : {"greater", "less", "two-sided"}, default="greater"
        Which values are extreme: "less" for metrics that are small for matching pairs, such as
        :func:`alignment`. "two-sided" doubles the smaller p-value of both; not for mappings.
    random_state : int or None, default=0
        Seed of the permutations; None: new ones in each call.
    **options : dict
        Further arguments of the metric, without `ci`.

    Returns
    -------
    PermutationTest

    Raises
    ------
    ValueError
        If the rows are not paired, an argument is out of range, or the metric is NaN for a pair.
    TypeError
        If `metric` is not callable, or `ci` is passed.

    References
    ----------
    .. [1] Phipson and Smyth, "Permutation P-values Should Never Be Zero", Statistical Applications
       in Genetics and Molecular Biology 9, 2010.
    .. [2] Westfall and Young, "Resampling-Based Multiple Testing", Wiley 1993.

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

    Biased CKA of independent rows is large if there are as many columns; calibrated it is near 0:

    >>> found = permutation_test(cka, *rng.standard_normal((2, 60, 60)), n_permutations=99)
    >>> round(found.value, 1), abs(found.calibrated) < 0.05
    (0.5, True)

    The best of several layers:

    >>> layers = {f"layer {i}": X + i * rng.standard_normal((60, 20)) for i in (3, 2, 1)}
    >>> permutation_test(cka, layers, {"other": X}).best
    ('layer 1', 'other')
    """
    if not callable(metric):
        raise TypeError(
            f"metric must be a function such as mibsk.metrics.cka, got {type(metric).__name__}."
        )
    if "ci" in options:
        raise TypeError(
            "ci is not an argument of permutation_test, which tests a value: for an interval, pass "
            "ci= to the metric itself."
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
    pairs = _pairs(X, Y)
    several = isinstance(X, Mapping) or isinstance(Y, Mapping)
    if several and alternative == "two-sided":
        raise ValueError(
            "alternative must be 'greater' or 'less' for several representations, got "
            "'two-sided': which of them is the most extreme depends on the direction."
        )
    values = {
        names: _number(metric(*pair, **options), metric, names, "as they are paired")
        for names, pair in pairs.items()
    }
    most = min if alternative == "less" else max
    value = most(values.values())
    reordered = {names: _reordered(metric, *pair, options) for names, pair in pairs.items()}
    rng, n = np.random.default_rng(random_state), len(next(iter(pairs.values()))[0])
    orders = (rng.permutation(n) for _ in range(n_permutations))
    null = np.array(
        [
            most(
                _number(of(order), metric, names, "paired at random")
                for names, of in reordered.items()
            )
            for order in orders
        ]
    )
    return ranked_in_null(metric, value, null, alternative, values if several else {})


def ranked_in_null(
    metric: Callable[..., Any],
    value: float,
    null: FloatMatrix,
    alternative: str = "greater",
    values: Mapping[tuple[Any, Any], float] | None = None,
) -> PermutationTest:
    """Return the test of a value, given those for rows paired at random."""
    # values that are equal up to rounding are as extreme
    rounding = 1e-9 * max(abs(value), 1e-9)
    tails = {
        "greater": np.count_nonzero(null >= value - rounding),
        "less": np.count_nonzero(null <= value + rounding),
    }
    p_values: dict[str, float] = {
        name: (1 + count) / (1 + len(null)) for name, count in tails.items()
    }
    p_values["two-sided"] = min(1.0, 2 * min(p_values.values()))
    return PermutationTest(
        value, float(p_values[alternative]), null, _MAXIMA.get(metric), dict(values or {})
    )


def _pairs(X: Any, Y: Any) -> dict[tuple[Any, Any], tuple[Matrix, Matrix]]:
    """Return all pairs of representations, checked, by their names."""
    sides = [Z if isinstance(Z, Mapping) else {None: Z} for Z in (X, Y)]
    for name, side in zip("XY", sides, strict=True):
        if not side:
            raise ValueError(f"{name} must have at least one representation, got an empty mapping.")
    for name, Z in zip("XY", (X, Y), strict=True):
        if isinstance(Z, list | tuple) and Z and all(len(getattr(z, "shape", ())) == 2 for z in Z):
            raise ValueError(
                f"{name} must be one representation or a mapping of several, got a "
                f"{type(Z).__name__} of {len(Z)}: name them, as dict(enumerate({name})) does."
            )
    pairs = {(a, b): as_pair(sides[0][a], sides[1][b]) for a, b in product(*sides)}
    if len({len(x) for x, _ in pairs.values()}) > 1:
        counts = {name: len(x) for (name, _), (x, _) in pairs.items()}
        raise ValueError(f"row i must be the same in all representations, got rows {counts}.")
    return pairs


def _number(found: Any, metric: Callable[..., Any], names: tuple[Any, Any], paired: str) -> float:
    """Return a value of the metric as a number, which NaN is not: it has no rank among others."""
    value = float(found)
    if np.isnan(value):
        both = "X and Y" if names == (None, None) else f"the pair {names}"
        raise ValueError(
            f"metric {getattr(metric, '__name__', metric)} is NaN for the rows of {both} {paired}, "
            "so that they cannot be ranked: leave out columns that do not vary, or pass a metric "
            "that is a number for all pairings."
        )
    return value


def _reordered(
    metric: Callable[..., Any], X: Matrix, Y: Matrix, options: dict[str, Any]
) -> Reordered:
    """Return how the metric is computed for an order of the rows of `Y`."""
    fast = _FAST.get(metric)
    return (fast and fast(X, Y, **options)) or (
        lambda order: metric(X, take_rows(Y, order), **options)
    )
