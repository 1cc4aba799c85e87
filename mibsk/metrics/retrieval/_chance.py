"""What retrieval metrics are on average if the gallery is in random order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..statistics import Values

Counts = NDArray[np.int64]


def recall_by_chance(n: int, relevant: Counts, *, k: int) -> float:
    r"""Return the expected recall at `k`, :math:`1 - \binom{n-R}{k} / \binom nk`, mean of queries.

    Parameters
    ----------
    n : int
        Rows of the gallery.
    relevant : ndarray of int (n_queries,)
        Number of rows that are relevant to each query, R.
    k : int
        Number of rows retrieved.
    """
    return _mean_over_counts(lambda R: 1 - _missed(n, R)[min(k, n)], relevant)


def reciprocal_rank_by_chance(n: int, relevant: Counts) -> float:
    """Return the expected mean reciprocal rank of the first hit."""
    places = np.arange(1, n + 1)
    return _mean_over_counts(lambda R: float(-np.diff(_missed(n, R)) @ (1 / places)), relevant)


def median_rank_by_chance(n: int, relevant: Counts) -> float:
    """Return the median place of the first hit of a query drawn at random."""
    values, counts = np.unique(relevant, return_counts=True)
    missed = sum(count * _missed(n, R) for R, count in zip(values, counts, strict=True))
    half = len(relevant) / 2
    rounding = 1e-9 * half
    lower, upper = (int(np.argmax(missed < half + r)) for r in (rounding, -rounding))
    return (lower + upper) / 2


def average_precision_by_chance(n: int, relevant: Counts) -> float:
    r"""Return the expected mean average precision, :math:`(H_n + \frac{R-1}{n-1}(n - H_n)) / n`.

    :math:`H_n` is the n-th harmonic number.
    """
    harmonic = float(np.sum(1 / np.arange(1, n + 1)))
    values = (harmonic + (relevant - 1) / max(n - 1, 1) * (n - harmonic)) / n
    return float(np.where(relevant > 0, values, 0).mean())


def _missed(n: int, R: int) -> Values:
    """Return the probability that none of R relevant rows is among the first 0, 1, ..., n."""
    places = np.arange(n)
    misses = np.maximum(n - R - places, 0) / (n - places)
    missed: Values = np.cumprod(np.concatenate([[1.0], misses]))
    return missed


def _mean_over_counts(of_count: Callable[[int], float], relevant: Counts) -> float:
    values, counts = np.unique(relevant, return_counts=True)
    return float(np.average([of_count(R) for R in values], weights=counts))
