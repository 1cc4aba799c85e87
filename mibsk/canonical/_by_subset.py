"""What the kept directions share, by the sets of modalities that share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..metrics.sharing import (
    Subset,
    by_subset,
    carriers,
    cross_fit_inflation,
    matched,
    told_apart,
)
from ..metrics.statistics import Estimate
from ._coordinates import Coordinates
from ._group_sums import GroupSums
from ._held_out import VariateScatter, variate_scatter
from ._linear_model import to_columns
from ._moments import Matrix, Moments
from ._solution import Solution, directions_at


@dataclass(frozen=True)
class SharedBySubset:
    """Directions told apart by the modalities that carry them.

    Parameters
    ----------
    correlations : ndarray (c, M, M)
        Correlations of the variates of each direction on held-out rows.
    information : dict of tuple of str to Estimate
        Information of the directions of each set of modalities, in nats.
    variance : dict of str to dict of tuple of str to float
        Of each modality, the share of its variance that is in the directions of each set that it
        is in; of the set that has it alone, the rest.
    """

    correlations: Matrix
    information: dict[Subset, Estimate]
    variance: dict[str, dict[Subset, float]]


def shared_by_subset(
    coordinates: Mapping[str, Coordinates],
    folds: Sequence[Moments],
    scale: Matrix,
    solution: Solution,
    k: int,
    *,
    level: float,
    n_draws: float = 1,
    group_sums: GroupSums | None = None,
) -> SharedBySubset:
    """Tell the first `k` directions apart by the modalities that carry them (`told_apart`).

    Parameters
    ----------
    coordinates : mapping of str to Coordinates
        Coordinates of each modality.
    folds : sequence of Moments
        Moments of the coordinates, of disjoint sets of rows.
    scale : ndarray (D,)
        By which the coordinates were divided for the solution.
    solution : Solution
        Directions, of which the ridges are used.
    k : int
        Number of directions.
    level, n_draws, group_sums
        As in `solve`; `group_sums` are those of the coordinates divided by `scale`.
    """
    names = list(coordinates)
    raw = sum(folds[1:], start=folds[0])
    total, parts = raw.rescaled(scale), raw.parts
    covariance = total.covariance
    maps = told_apart(covariance, parts, [A[:, :k] for A in solution.maps])
    found = []
    for fold in folds:
        rest = (raw - fold).rescaled(scale)
        of_rest = directions_at(rest, solution.ridges, k)[1]
        if of_rest[0].shape[1] < k:  # a modality varies in this fold only
            continue
        of_rest = told_apart(rest.covariance, parts, of_rest)
        of_rest = matched(of_rest, maps, covariance, parts)
        held_out = fold.rescaled(scale)
        found.append(variate_scatter(held_out.blocks, of_rest, held_out.own_blocks))
    if not found:
        found = [VariateScatter(np.zeros((k, len(names), len(names))))]
    correlations = VariateScatter.sum(found).correlations
    train = variate_scatter(total.blocks, maps, total.own_blocks).correlations
    n = np.maximum(total.counts / n_draws - len(folds), 1e-3)[None]
    if group_sums is not None:
        effects = group_sums.design_effects(total, maps)
        n = n / (effects if effects.ndim == 3 else effects[:, None, None])
    inflation = cross_fit_inflation(np.nan_to_num(train), np.nan_to_num(correlations))
    sets = carriers(correlations, n, inflation, level)
    information = by_subset(names, correlations, sets, n, inflation, level)
    own, variance = raw.covariance, {}
    for m, (name, part) in enumerate(zip(names, parts, strict=True)):
        base = coordinates[name]
        of_columns = to_columns(base)(own[part, part] @ (maps[m] / scale[part][:, None]))
        whole = _variance(base, own[part, part])
        shares = (of_columns**2).sum(axis=0) / whole
        of_sets = {subset: 0.0 for subset in information if name in subset}
        for i, of_direction in enumerate(sets):
            members = np.flatnonzero(of_direction == of_direction[m])
            if len(members) > 1:
                of_sets[tuple(names[j] for j in members)] += float(shares[i])
        of_sets[(name,)] = max(1.0 - sum(of_sets.values()), 0.0)
        variance[name] = of_sets
    return SharedBySubset(correlations, information, variance)


def _variance(base: Coordinates, covariance: Matrix) -> float:
    """Return the sum of the variances of the columns of a modality, from that of coordinates."""
    if base.basis is None or base.scale is None:
        return float(np.trace(covariance))
    scaled = base.basis * base.scale[:, None]
    return float(((scaled @ covariance) * scaled).sum())
