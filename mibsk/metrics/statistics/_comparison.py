"""Comparison of two models on the same rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._checks.matrices import as_matrix
from ..._checks.row_names import check_row_names
from ..._checks.rows import n_rows
from ._interval import check_groups
from ._resampling import Bootstrap, Estimate, as_bootstrap, over_rows


@dataclass(frozen=True)
class Comparison:
    """One metric of two models on the same rows.

    Attributes
    ----------
    a, b : Estimate
        The metric of each model, with its interval.
    difference : float
        ``a - b``.
    low, high : float
        Ends of the interval of the difference.
    p_value : float
        Bootstrap p-value of the hypothesis that the difference is 0.
    level : float
        Coverage of the intervals.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import compare, modality_gap
    >>> X, Y = np.random.default_rng(0).standard_normal((2, 200, 3))
    >>> found = compare(modality_gap, (X, Y + 1), (X, Y))
    >>> found.low < found.difference < found.high, found.p_value < 0.05
    (True, True)
    """

    a: Estimate
    b: Estimate
    difference: float
    low: float
    high: float
    p_value: float
    level: float

    def __str__(self) -> str:
        return f"{self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}], p = {self.p_value:.3g}"


def compare(
    metric: Callable[..., Any],
    A: Sequence[Any] | Mapping[str, Any],
    B: Sequence[Any] | Mapping[str, Any],
    *,
    ci: float | Bootstrap = 0.95,
    **options: Any,
) -> Comparison | dict[Any, Comparison]:
    r"""Compare a metric of two models on the same rows, with an interval and a p-value.

    Both are measured on the same resampled rows, so that variation common to both cancels in the
    difference. With :math:`d` the difference on all rows and :math:`d^*_b` on
    resample :math:`b` (centred as :class:`Bootstrap` says),

    .. math:: p = \frac{1 + \#\{b : |d^*_b - d| \ge |d|\}}{1 + \#b}

    Parameters
    ----------
    metric : callable
        A metric of this package, or a function of arrays with corresponding rows that returns a
        float.
    A, B : tuple of arguments, or mapping of two modalities to array-like
        Arguments of the metric for each model: ``(X, Y)``, or what `IBAligner.embed` returns; for
        :func:`leakage` and :func:`kept` ``(Z, labels)``. Row `i` is the same in all.
    ci : float or Bootstrap, default=0.95
        Level of the intervals; see :class:`Bootstrap`.
    **options : dict
        Further arguments of the metric, the same for both.

    Returns
    -------
    Comparison
        One for each factor, in a dict, where the metric returns one number for each.

    Raises
    ------
    TypeError
        If `A` or `B` is neither a tuple nor a mapping, or the metric does not return a number.
    ValueError
        If the models were measured on unequal numbers of rows, or the metric raises one.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import compare, recall_at_k
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((300, 8))
    >>> near, far = (X + noise * rng.standard_normal((300, 8)) for noise in (0.5, 0.8))
    >>> found = compare(recall_at_k, (X, near), (X, far))
    >>> found.difference > 0.1, found.p_value < 0.01
    (True, True)
    """
    if not callable(metric):
        raise TypeError(
            f"metric must be a function such as mibsk.metrics.cka, got {type(metric).__name__}."
        )
    chosen = as_bootstrap(ci)
    args_a, args_b = _arguments(A, "A"), _arguments(B, "B")
    for i, pair in enumerate(zip(args_a, args_b, strict=False)):
        check_row_names(dict(zip((f"A[{i}]", f"B[{i}]"), pair, strict=True)))
    rows_a, rows_b = n_rows("A[0]", args_a[0]), n_rows("B[0]", args_b[0])
    if rows_a != rows_b:
        raise ValueError(
            f"both models must be measured on the same rows, got {rows_a} and {rows_b}: embed the "
            "same rows with both."
        )
    a = _measure(metric, args_a, chosen, options)
    b = _measure(metric, args_b, chosen, options)
    if isinstance(a, dict) and isinstance(b, dict):
        if list(a) != list(b):
            raise ValueError(f"both models must have the same factors, got {list(a)}, {list(b)}.")
        return {name: paired_difference(a[name], b[name]) for name in a}
    return paired_difference(a, b)


def _arguments(model: Any, name: str) -> tuple[Any, ...]:
    """Return the leading arguments of the metric."""
    if isinstance(model, Mapping):
        model = tuple(model.values())
    if not isinstance(model, tuple | list) or not model:
        raise TypeError(
            f"{name} must be a tuple of arguments such as (X, Y), or a mapping of two modalities, "
            f"got {type(model).__name__}."
        )
    return tuple(model)


def _measure(
    metric: Callable[..., Any], args: tuple[Any, ...], ci: Bootstrap, options: dict[str, Any]
) -> Any:
    """Return an Estimate, or a dict of them."""
    if "ci" in inspect.signature(metric).parameters:
        return metric(*args, ci=ci, **options)
    rows = {f"argument {i}": X for i, X in enumerate(args)}
    check_row_names(rows)
    check_groups(ci, rows)
    arrays = [as_matrix(X, what) for what, X in rows.items()]

    def value(*parts: Any) -> float:
        found = metric(*parts, **options)
        if not np.isscalar(found) and np.ndim(found) != 0:
            raise TypeError(f"metric must return a number, got {type(found).__name__}.")
        return float(found)

    return over_rows(value, *arrays, ci=ci)


def paired_difference(a: Estimate, b: Estimate) -> Comparison:
    """Compare two estimates from the same resampled rows."""
    if len(a.replicates) != len(b.replicates):
        raise ValueError("both models must be measured on as many rows.")
    difference = a.value - b.value
    about = a.replicates - b.replicates
    about = about[np.isfinite(about)]
    tail = (1 - a.level) / 2
    low, high = np.quantile(about, [tail, 1 - tail])
    # a difference up to rounding counts as 0
    margin = max(abs(difference) - 1e-12 * max(abs(a.value), abs(b.value)), 0.0)
    p_value = (1 + np.count_nonzero(abs(about - difference) >= margin)) / (1 + len(about))
    return Comparison(a, b, difference, float(low), float(high), float(p_value), a.level)
