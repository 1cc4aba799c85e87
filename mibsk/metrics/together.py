"""Metrics of second moments, measured together: moments and factorisations are computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks.devices import Matrix
from .._checks.magnitudes import in_range
from .._checks.matrices import as_pair
from ._pair_moments import OverMoments, PairMoments, PermutedMoments, pair_moments
from .rows import take_rows
from .statistics import (
    Bootstrap,
    Estimate,
    PermutationTest,
    Values,
    draw_parts,
    estimate_of_parts,
    in_threads,
    ranked_in_null,
    share_drawn,
    size_of_replicate,
)

Calls = Mapping[Hashable, tuple[Callable[..., Any], Mapping[str, Any]]]
"""A metric and its options, without `ci`, by a name."""


def estimates(
    calls: Calls, X: Any, Y: Any, ci: Mapping[Hashable, Bootstrap | None]
) -> dict[Hashable, float | Estimate]:
    """Return what each metric returns for ``(X, Y, ci=ci[name], **options)``, up to rounding.

    Metrics are left out if they do not depend on second moments alone, raise an error, or would
    not gain. So are those that draw another share of the rows than the first.

    Parameters
    ----------
    calls : mapping
        Metrics by names.
    X, Y : array-like or tensor (n, d)
        Paired rows.
    ci : mapping
        The argument `ci` of each, with the same seed and groups.
    """
    X, Y = map(in_range, as_pair(X, Y))
    wanted = dict(_of_moments(calls, X, Y))
    found = _values(wanted, pair_moments(X, Y)) if wanted else {}
    with_interval = {name: chosen for name in found if (chosen := ci[name]) is not None}
    if not with_interval:
        return dict(found)
    shares = {
        name: share_drawn(len(X), chosen, wanted[name].min_rows)
        for name, chosen in with_interval.items()
    }
    share = next(iter(shares.values()))
    drawn = {
        name: with_interval[name]
        for name in with_interval
        if shares[name] == share and share * len(X) >= max(X.shape[1], Y.shape[1])
    }
    replicates = _replicates({name: wanted[name] for name in drawn}, X, Y, drawn) if drawn else {}
    results: dict[Hashable, float | Estimate] = {
        name: value for name, value in found.items() if name not in with_interval
    }
    for name, values in replicates.items():
        metric = wanted[name]
        results[name] = estimate_of_parts(
            found[name], values, [len(X)], drawn[name], metric.bounds, metric.min_rows
        )
    return results


def permutation_tests(
    calls: Calls, X: Any, Y: Any, *, n_permutations: int, random_state: int | None
) -> dict[Hashable, PermutationTest]:
    """Return what :func:`permutation_test` returns for each metric, up to rounding.

    Metrics are left out if they do not depend on second moments alone, raise an error, or would
    not gain.
    """
    X, Y = map(in_range, as_pair(X, Y))
    wanted = dict(_of_moments(calls, X, Y)) if len(X) >= max(X.shape[1], Y.shape[1]) else {}
    if not wanted:
        return {}
    permuted, n = PermutedMoments(X, Y), len(X)
    values = _values(wanted, permuted(np.arange(n)))
    rng = np.random.default_rng(random_state)
    orders = (rng.permutation(n) for _ in range(n_permutations))
    null: dict[Hashable, list[float]] = {name: [] for name in values}

    def of_order(order: NDArray[np.intp]) -> dict[Hashable, float]:
        return _values({name: wanted[name] for name in list(null)}, permuted(order))

    size = size_of_replicate((X, Y), 1.0)
    for found in in_threads(of_order, orders, size):
        for name in list(null):
            if name in found:
                null[name].append(found[name])
            else:
                del null[name]
    return {
        name: ranked_in_null(calls[name][0], values[name], np.array(of_name))
        for name, of_name in null.items()
    }


def _of_moments(calls: Calls, X: Matrix, Y: Matrix) -> Iterator[tuple[Hashable, OverMoments]]:
    """Yield the metrics that depend on second moments alone and accept these rows."""
    for name, (metric, options) in calls.items():
        try:
            sampled = getattr(metric, "__wrapped__", metric)(X, Y, **options)
        except ValueError:
            continue
        if isinstance(sampled, OverMoments):
            yield name, sampled


def _values(metrics: Mapping[Hashable, OverMoments], moments: PairMoments) -> dict[Hashable, float]:
    """Return the values of metrics, without those that are not defined."""
    found = {}
    for name, metric in metrics.items():
        try:
            value = float(metric.of_moments(moments))
        except ValueError:
            continue
        if not np.isnan(value):
            found[name] = value
    return found


def _replicates(
    metrics: Mapping[Hashable, OverMoments], X: Matrix, Y: Matrix, ci: Mapping[Hashable, Any]
) -> dict[Hashable, Values]:
    """Return the values of metrics on parts of the rows."""
    replicates: dict[Hashable, list[float]] = {name: [] for name in metrics}
    longest = max(ci.values(), key=lambda chosen: chosen.n_resamples)
    min_rows = min(metric.min_rows for metric in metrics.values())  # the share is that of all
    try:
        draws = list(draw_parts([len(X)], longest, min_rows))
    except ValueError:  # too few rows
        return {}

    def of_draw(draw: tuple[int, dict[int, NDArray[np.intp]]]) -> dict[Hashable, float | None]:
        i, rows = draw[0], draw[1][len(X)]
        moments = pair_moments(take_rows(X, rows), take_rows(Y, rows))
        found: dict[Hashable, float | None] = {}
        for name in list(replicates):
            if i < ci[name].n_resamples:
                try:
                    if len(rows) < metrics[name].min_rows:
                        raise ValueError
                    found[name] = metrics[name].of_moments(moments)
                except ValueError:
                    found[name] = None
        return found

    for found in in_threads(
        of_draw, enumerate(draws), size_of_replicate((X, Y), share_drawn(len(X), longest, min_rows))
    ):
        for name, value in found.items():
            if value is None:
                replicates.pop(name, None)
            elif name in replicates:
                replicates[name].append(value)
    return {name: np.array(values) for name, values in replicates.items()}
