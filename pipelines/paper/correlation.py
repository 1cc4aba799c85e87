"""Correlations over splits, with bootstrap intervals and permutation tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ..intervals import LEVEL, Interval

N_RESAMPLES = 4999


def pearson(x: np.ndarray, y: np.ndarray, axis: int = -1) -> Any:
    """Return Pearson's correlation along an axis."""
    x = x - x.mean(axis=axis, keepdims=True)
    y = y - y.mean(axis=axis, keepdims=True)
    product = (x * y).sum(axis=axis)
    norms = np.sqrt((x**2).sum(axis=axis) * (y**2).sum(axis=axis))
    # 0 for a resample of equal values
    return np.divide(product, norms, out=np.zeros_like(product), where=norms > 0)


def spearman(x: np.ndarray, y: np.ndarray, axis: int = -1) -> Any:
    """Return Spearman's correlation along an axis."""
    return pearson(stats.rankdata(x, axis=axis), stats.rankdata(y, axis=axis), axis)


def partial_spearman(x: np.ndarray, y: np.ndarray, z: np.ndarray, axis: int = -1) -> Any:
    r"""Return Spearman's partial correlation, given a third variable.

    .. math:: \frac{r_{xy} - r_{xz} r_{yz}}{\sqrt{(1 - r_{xz}^2)(1 - r_{yz}^2)}}
    """
    xy, xz, yz = spearman(x, y, axis), spearman(x, z, axis), spearman(y, z, axis)
    scale = np.sqrt(np.clip((1 - xz**2) * (1 - yz**2), 1e-12, None))
    return (xy - xz * yz) / scale


STATISTICS: dict[str, Callable[..., Any]] = {
    "pearson": pearson,
    "spearman": spearman,
    "partial": partial_spearman,
}


def correlate(statistic: str, *samples: ArrayLike) -> Interval:
    """Return a correlation with its interval, from percentiles of a bootstrap over rows."""
    arrays = [np.asarray(sample, dtype=float) for sample in samples]
    function = STATISTICS[statistic]
    found = stats.bootstrap(
        arrays,
        function,
        paired=True,
        vectorized=True,
        n_resamples=N_RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    value = float(function(*arrays))
    return Interval(value, float(found.low), float(found.high), len(arrays[0]))


def p_value(statistic: str, x: ArrayLike, y: ArrayLike) -> float:
    """Return the two-sided p-value of a correlation, from random permutations of the pairing."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    function = STATISTICS[statistic]
    test = stats.permutation_test(
        (x,),
        lambda drawn, axis: function(drawn, np.broadcast_to(y, drawn.shape), axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=N_RESAMPLES,
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)
