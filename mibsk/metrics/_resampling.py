"""Intervals by resampling rows: what a metric might have been on other rows of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks.matrices import Matrix
from .rows import take_rows

Values = NDArray[np.float64]
Bounds = tuple[float, float]

UNBOUNDED: Bounds = (-np.inf, np.inf)
_COUNTS_SIZE = 2**22  # row numbers drawn at once: 32 MiB


@dataclass(frozen=True)
class Bootstrap:
    r"""How an interval is made; every metric takes one as ``ci=``, or a level alone.

    Metrics that are a mean, or another summary, of one value per row draw as many rows as there
    are, with replacement [1]_. All others are computed anew on half of the rows (at most
    `max_rows`), drawn without replacement [2]_, [3]_: a row that is drawn twice would be its own
    perfect neighbour. The spread of such values is that of samples of ``m`` of ``n`` rows, and is
    multiplied by :math:`\sqrt{m/(n-m)}` to be that of ``n``. In both cases the interval is the
    value, plus quantiles of the deviations of the replicates from their mean, within the range of
    the metric.

    Parameters
    ----------
    level : float, default=0.95
        Coverage of the interval, in (0, 1).
    n_resamples : int, default=1000
        Number of replicates.
    max_rows : int, default=4096
        Bound on the rows of one replicate that is computed anew.
    random_state : int, default=0
        Seed; metrics of as many rows draw the same rows from the same seed.

    References
    ----------
    .. [1] Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7, 1979.
    .. [2] Politis and Romano, "Large Sample Confidence Regions Based on Subsamples under Minimal
       Assumptions", Annals of Statistics 22, 1994.
    .. [3] Bickel, Götze and van Zwet, "Resampling Fewer than n Observations", Statistica Sinica 7,
       1997.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import Bootstrap, modality_gap
    >>> X, Y = np.random.default_rng(0).standard_normal((2, 500, 3))
    >>> found = modality_gap(X, Y, ci=Bootstrap(0.9, n_resamples=200))
    >>> found.low < found.value < found.high
    True
    """

    level: float = 0.95
    n_resamples: int = 1000
    max_rows: int = 4096
    random_state: int = 0

    def __post_init__(self) -> None:
        for name, low in (("n_resamples", 10), ("max_rows", 10), ("random_state", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral):
                raise TypeError(f"{name} must be an integer, got {value!r}")
            if value < low:
                raise ValueError(f"{name} must be at least {low}, got {value}")
        level: Any = self.level
        if isinstance(level, bool) or not isinstance(level, Real):
            raise TypeError(
                f"ci must be a level such as 0.95, or a Bootstrap, got {level!r} of type "
                f"{type(level).__name__}"
            )
        if not 0 < self.level < 1:
            raise ValueError(f"the level of an interval must be in (0, 1), got {self.level}")


@dataclass(frozen=True)
class Estimate:
    """The value of a metric with its interval; ``float()`` gives the value.

    Attributes
    ----------
    value : float
        On all rows.
    low, high : float
        Ends of the interval.
    level : float
        Its coverage.
    replicates : ndarray (n_resamples,)
        Values on resampled rows, moved and scaled so that they are spread about `value` as it is
        about the truth.

    Examples
    --------
    >>> from mibsk.metrics import recall_at_k
    >>> value, low, high = recall_at_k([[1.0, 0], [0, 1]], [[1.0, 0], [0, 1]], ci=0.95)
    >>> value, low, high
    (1.0, 1.0, 1.0)
    """

    value: float
    low: float
    high: float
    level: float
    replicates: Values = field(repr=False, compare=False)

    def __float__(self) -> float:
        return self.value

    def __iter__(self) -> Iterator[float]:
        return iter((self.value, self.low, self.high))

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


CI = float | Bootstrap | None
"""A level such as 0.95, all details, or None for the value alone."""


def as_bootstrap(ci: float | Bootstrap) -> Bootstrap:
    """Return the details of an interval of which perhaps the level alone is given."""
    return ci if isinstance(ci, Bootstrap) else Bootstrap(ci)


def over_values(
    values: Values,
    ci: CI,
    bounds: Bounds = UNBOUNDED,
    *,
    weights: Values | None = None,
    statistic: Callable[[Values], Values] | None = None,
    centred: bool = True,
) -> float | Estimate:
    """Return the mean of one value per row, with an interval by drawing rows with replacement.

    Parameters
    ----------
    values : ndarray (n,) or (n, m)
        One value per row, or several, from which `statistic` makes one number.
    ci : float, Bootstrap or None
        None for the number alone.
    bounds : pair of float
        Range of the metric.
    weights : ndarray (n,), optional
        How much each row counts in the mean.
    statistic : callable, optional
        In place of the mean: ``values[..., n] -> [...]``, over the last axis (of ``(..., n, m)``
        over the last but one).
    centred : bool, default=True
        Whether the replicates' mean is moved to the value; not where they are whole numbers.
    """
    if statistic is None and weights is not None:
        values = np.stack([values * weights, weights], axis=1)  # (n, 2)

        def statistic(drawn: Values) -> Values:
            total, weight = np.moveaxis(drawn.sum(axis=-2), -1, 0)
            return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)

    reduce = statistic or (lambda drawn: drawn.mean(axis=-1))
    value = float(reduce(values))
    if ci is None:
        return value
    chosen = as_bootstrap(ci)
    n, rng = len(values), np.random.default_rng(chosen.random_state)
    at_once = max(1, _COUNTS_SIZE // n)
    replicates = [
        reduce(values[rng.integers(n, size=(min(at_once, chosen.n_resamples - start), n))])
        for start in range(0, chosen.n_resamples, at_once)
    ]
    found = np.concatenate(replicates)
    return _estimate(value, found, 1.0 if centred else None, chosen, bounds)


def over_rows(
    function: Callable[..., float],
    *arrays: Matrix,
    ci: CI,
    bounds: Bounds = UNBOUNDED,
    min_rows: int = 2,
) -> float | Estimate:
    """Return what a function makes of paired arrays, with an interval by drawing half the rows.

    Parameters
    ----------
    function : callable
        ``(*arrays) -> float``.
    *arrays : array or tensor (n, ...)
        Row i of each belongs together; of arrays of unequal length, rows are drawn apart.
    ci : float, Bootstrap or None
        None for the number alone.
    bounds : pair of float
        Range of the metric.
    min_rows : int
        Fewest rows for which `function` is defined.

    Raises
    ------
    ValueError
        If half of the rows are too few.
    """
    value = float(function(*arrays))
    if ci is None:
        return value
    lengths = [len(X) for X in arrays]

    def replicate(rows: dict[int, NDArray[np.intp]]) -> float:
        parts = (take_rows(X, rows[n]) for X, n in zip(arrays, lengths, strict=True))
        return function(*parts)

    return over_draws(value, replicate, lengths, ci=ci, bounds=bounds, min_rows=min_rows)


def over_draws(
    value: float,
    replicate: Callable[[dict[int, NDArray[np.intp]]], float],
    lengths: Sequence[int],
    *,
    ci: float | Bootstrap,
    bounds: Bounds = UNBOUNDED,
    min_rows: int = 2,
) -> Estimate:
    """Return a value with its interval, from values on half of the rows.

    Parameters
    ----------
    value : float
        On all rows.
    replicate : callable
        From the numbers of the rows that are drawn, in order, of data of each length, to a value.
    lengths : sequence of int
        Of the data.
    ci, bounds, min_rows
        As in :func:`over_rows`.
    """
    chosen = as_bootstrap(ci)
    share = share_drawn(max(lengths), chosen, min_rows)
    drawn = {n: int(share * n) for n in lengths}
    if min(drawn.values()) < min_rows:
        raise ValueError(
            f"an interval needs at least {2 * min_rows} rows here, since half of them are drawn, "
            f"got {min(lengths)}: pass more samples or ci=None"
        )
    rng = np.random.default_rng(chosen.random_state)
    replicates = []
    for _ in range(chosen.n_resamples):
        rows = {n: rng.choice(n, m, replace=False, shuffle=False) for n, m in drawn.items()}
        replicates.append(replicate({n: np.sort(some) for n, some in rows.items()}))
    return _estimate(value, np.array(replicates), np.sqrt(share / (1 - share)), chosen, bounds)


def share_drawn(n: int, chosen: Bootstrap, min_rows: int) -> float:
    """Return the share of n rows that a replicate is computed on."""
    return min(0.5, max(chosen.max_rows, min_rows) / n)


def _estimate(
    value: float, replicates: Values, scale: float | None, chosen: Bootstrap, bounds: Bounds
) -> Estimate:
    """Centre replicates about the value, scale their spread (None: neither), cut off the tails."""
    if not np.isfinite(replicates).any():
        raise ValueError("an interval needs more rows that count: no resample had any")
    about = replicates
    if scale is not None:
        about = value + scale * (replicates - np.nanmean(replicates))
    tail = (1 - chosen.level) / 2
    low, high = np.clip(np.nanquantile(about, [tail, 1 - tail]), *bounds)
    return Estimate(value, float(low), float(high), float(chosen.level), about)
