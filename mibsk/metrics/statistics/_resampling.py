"""Bootstrap intervals: the values that a metric takes on resampled rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..._checks.devices import Matrix
from ..._checks.groups import Groups
from ..rows import take_rows
from ._interval import CI, Bootstrap, Estimate, as_bootstrap
from ._threads import in_threads, one_blas_thread

Values = NDArray[np.float64]
Bounds = tuple[float, float]

UNBOUNDED: Bounds = (-np.inf, np.inf)
N_PRODUCTS = 8  # products of columns, and factors of these, in a replicate
_COUNTS_SIZE = 2**22  # row numbers drawn at once: 32 MiB


def over_values(
    values: Values,
    ci: CI,
    bounds: Bounds = UNBOUNDED,
    *,
    weights: Values | None = None,
    statistic: Callable[[Values], Values] | None = None,
    centred: bool = True,
    groups: Groups = None,
) -> float | Estimate:
    """Return the mean of one value per row, with an interval by drawing rows with replacement.

    Parameters
    ----------
    values : ndarray (n,) or (n, m)
        One value per row, or several, which `statistic` reduces to one number.
    ci : float, Bootstrap or None
        None for the number alone.
    bounds : pair of float
        Range of the metric.
    weights : ndarray (n,), default=None
        Weights of the rows in the mean.
    statistic : callable, default=None
        In place of the mean: ``values[..., n] -> [...]``, over the last axis (of ``(..., n, m)``
        over the last but one).
    centred : bool, default=True
        Whether replicates are shifted so that their mean is the value; False for integers.
    groups : ndarray of int (n,), default=None
        Groups of which whole ones are drawn; None: those of the settings.
    """
    if statistic is None and weights is not None:
        weighted = np.stack([values * weights, weights], axis=1)
        return over_sums(weighted, ratio_of_sums, ci, bounds, groups=groups)
    reduce = statistic or (lambda drawn: drawn.mean(axis=-1))
    value = float(reduce(values))
    if ci is None:
        return value
    chosen = as_bootstrap(ci)
    n, rng = len(values), np.random.default_rng(chosen.random_state)
    if groups is None:
        groups = chosen.groups_of(n)
    if groups is not None:
        draws = draw_groups(groups, chosen.n_resamples, rng)
        found = np.array([reduce(values[rows]) for rows in draws])
        return _estimate(value, found, 1.0 if centred else None, chosen, bounds)
    at_once = max(1, _COUNTS_SIZE // n)
    replicates = [
        reduce(values[rng.integers(n, size=(min(at_once, chosen.n_resamples - start), n))])
        for start in range(0, chosen.n_resamples, at_once)
    ]
    found = np.concatenate(replicates)
    return _estimate(value, found, 1.0 if centred else None, chosen, bounds)


def draw_groups(
    groups: NDArray[np.intp], n_resamples: int, rng: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    """Yield the row numbers of as many groups as there are, drawn with replacement.

    Raises
    ------
    ValueError
        If there is only one group.
    """
    order = np.argsort(groups, kind="stable")
    sizes = np.unique(groups, return_counts=True)[1]
    _check_several(len(sizes))
    starts = np.cumsum(sizes) - sizes
    for _ in range(n_resamples):
        drawn = rng.integers(len(sizes), size=len(sizes))
        of_drawn = sizes[drawn]
        shifts = starts[drawn] - (np.cumsum(of_drawn) - of_drawn)
        yield order[np.repeat(shifts, of_drawn) + np.arange(of_drawn.sum())]


def _check_several(n_groups: int) -> None:
    if n_groups < 2:
        raise ValueError(
            "an interval needs at least 2 groups among the held-out rows, since whole groups are "
            "drawn, got 1: pass more groups, a larger test_size, or ci=None."
        )


def over_sums(
    values: Values,
    of_sums: Callable[[Values], Values],
    ci: CI,
    bounds: Bounds = UNBOUNDED,
    *,
    groups: Groups = None,
) -> float | Estimate:
    """Return a function of sums over rows, with an interval by drawing rows with replacement.

    Parameters
    ----------
    values : ndarray (n, m)
        What is added up over rows.
    of_sums : callable
        From sums (..., m) to values (...).
    ci, bounds, groups
        As in :func:`over_values`.
    """
    value = float(of_sums(values.sum(axis=0)))
    if ci is None:
        return value
    chosen = as_bootstrap(ci)
    groups = chosen.groups_of(len(values)) if groups is None else groups
    return estimate_of_draws(value, of_sums(draw_sums(values, chosen, groups)), chosen, bounds)


def draw_sums(values: Values, chosen: Bootstrap, groups: Groups) -> Values:
    """Return the sums over rows drawn with replacement, (n_resamples, m), of values (n, m).

    As many rows as there are, or as many groups, are drawn. Statistics that are computed from one
    array of sums belong to the same draws.

    Raises
    ------
    ValueError
        If there is only one group.
    """
    if groups is not None:
        kinds, of_row = np.unique(groups, return_inverse=True)
        _check_several(len(kinds))
        totals = np.zeros((len(kinds), values.shape[1]))
        np.add.at(totals, of_row, values)
        values = totals
    n, rng = len(values), np.random.default_rng(chosen.random_state)
    at_once = max(1, _COUNTS_SIZE // n)
    found = []
    with one_blas_thread():
        for start in range(0, chosen.n_resamples, at_once):
            size = min(at_once, chosen.n_resamples - start)
            drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
            found.append(counts.astype(np.float64) @ values)
    return np.concatenate(found)


def ratio_of_sums(sums: Values) -> Values:
    """Return the first of two sums (..., 2) by the second, NaN where that is 0."""
    total, count = np.moveaxis(sums, -1, 0)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def estimate_of_draws(
    value: float, replicates: Values, chosen: Bootstrap, bounds: Bounds = UNBOUNDED
) -> Estimate:
    """Return a value with its interval, given its replicates on rows drawn with replacement."""
    return _estimate(value, replicates, 1.0, chosen, bounds)


def over_rows(
    function: Callable[..., float],
    *arrays: Matrix,
    ci: CI,
    bounds: Bounds = UNBOUNDED,
    min_rows: int = 2,
) -> float | Estimate:
    """Return the value of a function of paired arrays, with an interval by drawing half the rows.

    Parameters
    ----------
    function : callable
        ``(*arrays) -> float``.
    *arrays : array or tensor (n, ...)
        Row i of each belongs together; rows of arrays of unequal length are drawn separately.
    ci : float, Bootstrap or None
        None for the number alone.
    bounds : pair of float
        Range of the metric.
    min_rows : int
        Fewest rows for which `function` is defined.

    Raises
    ------
    ValueError
        If half of the rows are fewer than `min_rows`.
    """
    value = float(function(*arrays))
    if ci is None:
        return value
    lengths = [len(X) for X in arrays]

    def replicate(rows: dict[int, NDArray[np.intp]]) -> float:
        parts = (take_rows(X, rows[n]) for X, n in zip(arrays, lengths, strict=True))
        return function(*parts)

    return over_draws(
        value,
        replicate,
        lengths,
        ci=ci,
        bounds=bounds,
        min_rows=min_rows,
        size=size_of_replicate(arrays, share_drawn(max(lengths), as_bootstrap(ci), min_rows)),
    )


def size_of_replicate(arrays: Sequence[Matrix], share: float) -> int:
    """Return about how many numbers the arrays of a replicate have, from a share of the rows.

    0 for tensors, whose replicates stay in one thread.
    """
    if not all(isinstance(X, np.ndarray) for X in arrays):
        return 0
    widths = [int(np.prod(X.shape[1:])) for X in arrays]
    rows = sum(share * len(X) * width for X, width in zip(arrays, widths, strict=True))
    return int(rows + N_PRODUCTS * max(widths) ** 2)


def over_draws(
    value: float,
    replicate: Callable[[dict[int, NDArray[np.intp]]], float],
    lengths: Sequence[int],
    *,
    ci: float | Bootstrap,
    bounds: Bounds = UNBOUNDED,
    min_rows: int = 2,
    size: int = 0,
) -> Estimate:
    """Return a value with its interval, from values on half of the rows.

    Parameters
    ----------
    value : float
        On all rows.
    replicate : callable
        From a mapping of each length to the sorted numbers of the rows drawn, to a value.
    lengths : sequence of int
        Numbers of rows of the data.
    ci, bounds, min_rows
        As in :func:`over_rows`.
    size : int
        Numbers in the arrays that `replicate` makes, which :func:`in_threads` calls.
    """
    chosen = as_bootstrap(ci)
    replicates = list(in_threads(replicate, draw_parts(lengths, chosen, min_rows), size))
    return estimate_of_parts(value, np.array(replicates), lengths, chosen, bounds, min_rows)


def over_parts(
    value: float,
    of_parts: Callable[[dict[int, Values]], Values],
    lengths: Sequence[int],
    *,
    ci: float | Bootstrap,
    bounds: Bounds = UNBOUNDED,
    min_rows: int = 2,
) -> Estimate:
    """Return a value with its interval, as :func:`over_draws`, from many replicates at once.

    Parameters
    ----------
    of_parts : callable
        From a mapping of each length n to an array (r, n), 1 for the rows drawn and 0 for the
        others, to the values of the r replicates.
    """
    chosen, found = as_bootstrap(ci), []
    at_once = max(1, _COUNTS_SIZE // sum(set(lengths)))
    draws = draw_parts(lengths, chosen, min_rows)
    while some := list(islice(draws, at_once)):
        drawn = {n: np.zeros((len(some), n)) for n in lengths}
        for i, rows in enumerate(some):
            for n in drawn:
                drawn[n][i, rows[n]] = 1
        found.append(of_parts(drawn))
    return estimate_of_parts(value, np.concatenate(found), lengths, chosen, bounds, min_rows)


def draw_parts(
    lengths: Sequence[int], chosen: Bootstrap, min_rows: int
) -> Iterator[dict[int, NDArray[np.intp]]]:
    """Yield, for each replicate, each length with the sorted numbers of the rows drawn.

    Raises
    ------
    ValueError
        If they are fewer than `min_rows`.
    """
    share = share_drawn(max(lengths), chosen, min_rows)
    groups = {n: chosen.groups_of(n) for n in lengths}
    rng = np.random.default_rng(chosen.random_state)
    for _ in range(chosen.n_resamples):
        rows = {n: _draw_share(n, share, groups[n], rng) for n in groups}
        if min(map(len, rows.values())) < min_rows:
            what = "half of them" if chosen.groups is None else "half of the groups"
            raise ValueError(
                f"an interval needs at least {2 * min_rows} rows here, since {what} are drawn, "
                f"got {min(lengths)}: pass more samples or ci=None."
            )
        yield rows


def estimate_of_parts(
    value: float,
    replicates: Values,
    lengths: Sequence[int],
    chosen: Bootstrap,
    bounds: Bounds,
    min_rows: int,
) -> Estimate:
    """Return a value with its interval, given its replicates on what :func:`draw_parts` yields."""
    share = share_drawn(max(lengths), chosen, min_rows)
    return _estimate(value, replicates, np.sqrt(share / (1 - share)), chosen, bounds)


def _draw_share(n: int, share: float, groups: Groups, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the sorted numbers of a share of n rows, or of the rows of a share of the groups."""
    if groups is None:
        return np.sort(rng.choice(n, int(share * n), replace=False, shuffle=False))
    n_groups = int(groups.max()) + 1
    chosen = np.zeros(n_groups, dtype=bool)
    chosen[rng.choice(n_groups, max(int(share * n_groups), 1), replace=False, shuffle=False)] = True
    return np.flatnonzero(chosen[groups])


def share_drawn(n: int, chosen: Bootstrap, min_rows: int) -> float:
    """Return the share of n rows in a replicate."""
    return min(0.5, max(chosen.max_rows, min_rows) / n)


def _estimate(
    value: float, replicates: Values, scale: float | None, chosen: Bootstrap, bounds: Bounds
) -> Estimate:
    """Centre replicates at the value, scale their spread (None: neither), and cut off the tails."""
    if not np.isfinite(replicates).any():
        raise ValueError("an interval needs more rows of positive weight: no resample had any.")
    about = replicates
    if scale is not None:
        about = value + scale * (replicates - np.nanmean(replicates))
    tail = (1 - chosen.level) / 2
    low, high = np.clip(np.nanquantile(about, [tail, 1 - tail]), *bounds)
    return Estimate(value, float(low), float(high), float(chosen.level), about)
