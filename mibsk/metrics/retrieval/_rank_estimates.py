"""Recall at several k, mean reciprocal rank and median rank of the same queries, with intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._checks.groups import Groups
from ..._checks.parameters import check_k
from ..statistics import (
    Bootstrap,
    Estimate,
    draw_sums,
    estimate_of_draws,
    over_values,
    ratio_of_sums,
)
from ._chance import median_rank_by_chance, recall_by_chance, reciprocal_rank_by_chance

Ints = NDArray[np.int64]


def as_ks(k: Any, n_gallery: int) -> list[int]:
    """Return one or several numbers of retrieved rows as a list, each once.

    Raises
    ------
    TypeError, ValueError
        If one is not an integer in ``1..n_gallery``.
    """
    several = k if isinstance(k, Iterable) and not isinstance(k, str) else [k]
    ks = list(dict.fromkeys(several))
    for each in ks:
        check_k(each, n_gallery)
    return [int(each) for each in ks]


def rank_estimates(
    ranks: Ints, n_gallery: int, ks: list[int], ci: Bootstrap, groups: Groups
) -> dict[str, Estimate]:
    """Return the scores of queries, all from the same resampled queries.

    Parameters
    ----------
    ranks : ndarray of int (n_queries,)
        Number of irrelevant rows before the best relevant one.
    n_gallery : int
        Number of rows that a query is compared with.
    ks : list of int
        Numbers of rows retrieved.
    ci : Bootstrap
        Settings of the intervals; its groups are ignored.
    groups : ndarray of int (n_queries,) or None
        Groups of queries that are drawn as a whole.
    """
    ci = replace(ci, groups=None)
    if groups is not None:
        groups = pd.factorize(groups)[0]  # in the order of `Bootstrap`, which draws the same ones
    places = ranks.astype(np.float64) + 1
    columns = {f"recall_at_{k}": places <= k for k in ks} | {"mean_reciprocal_rank": 1 / places}
    values = np.column_stack([*columns.values(), np.ones(len(ranks))]).astype(np.float64)
    means, drawn = values.mean(axis=0), draw_sums(values, ci, groups)
    found = {
        name: estimate_of_draws(float(means[i]), ratio_of_sums(drawn[:, [i, -1]]), ci, (0, 1))
        for i, name in enumerate(columns)
    }
    found["median_rank"] = over_values(  # type: ignore[assignment]
        places,
        ci,
        (1, n_gallery + 1),
        statistic=lambda some: np.median(some, axis=-1),
        centred=False,
        groups=groups,
    )
    return found


def scores_by_chance(n_gallery: int, relevant: Ints, ks: list[int]) -> dict[str, float]:
    """Return what the same scores are on average if the gallery is in random order.

    Parameters
    ----------
    n_gallery : int
        Number of rows that a query is compared with.
    relevant : ndarray of int (n_queries,)
        Number of relevant rows of each query.
    ks : list of int
        Numbers of rows retrieved.
    """
    return {
        **{f"recall_at_{k}": recall_by_chance(n_gallery, relevant, k=k) for k in ks},
        "mean_reciprocal_rank": reciprocal_rank_by_chance(n_gallery, relevant),
        "median_rank": median_rank_by_chance(n_gallery, relevant),
    }
