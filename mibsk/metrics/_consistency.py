"""Consistency of runs: how well each embedding is a linear map of each other one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from .._checks.devices import FloatMatrix, Matrix, on_one_device
from .._checks.magnitudes import in_range
from .._checks.matrices import as_matrix
from .._checks.row_names import check_row_names
from ._description import Description
from ._moments import check_varies
from ._pair_moments import OverMoments, PairMoments, pair_moments, reorder_moments
from .statistics import Sampled, fast_permutations, over_rows, with_interval


def consistency_of_moments(moments: PairMoments) -> float:
    """Return the mean R² of both ways; NaN if none varies, as in a resample of equal rows alone."""
    x, y = moments.x, moments.y
    white_x = moments.white_x
    if x.whitening_of_correlations is not x.whitening:
        white_x = x.whitened_correlations(moments.xy)
    forward = _mean_r2(white_x, y.deviations)
    back = _mean_r2(y.whitened_correlations(moments.xy.T), x.deviations)
    return (forward + back) / 2


@fast_permutations(reorder_moments(consistency_of_moments, lambda X, Y: (X, Y)))
@with_interval
def consistency(*runs: ArrayLike) -> Sampled:
    r"""Mean R² of linear regressions between the embeddings of the same rows by several runs.

    .. math:: \frac1{R(R-1)} \sum_{a \ne b} \frac1{d_b} \sum_{k=1}^{d_b} R^2(x^b_k \mid x^a),
              \qquad R^2 = 1 - \frac{\min_{w, c} \sum_i (x^b_{ik} - w^\top x^a_i - c)^2}
              {\sum_i (x^b_{ik} - \bar x^b_k)^2}

    as in [1]_: a model whose runs agree up to a linear map has found something in the data rather
    than in its seed. Rows need not be held out if there are many more of them than columns;
    independent embeddings score about ``n_features / n_samples``. Constant columns are ignored.

    Parameters
    ----------
    *runs : array-like or tensor of shape (n_samples, n_features)
        Two embeddings or more; row `i` is the same in all, the numbers of columns may differ.
    ci : float or Bootstrap, default=None
        Level of a bootstrap interval such as 0.95, or its settings; None: no interval.

    Returns
    -------
    float or Estimate
        In [0, 1]; 1 for runs that are equal up to an invertible linear map and a shift. With `ci`
        an :class:`Estimate`.

    Raises
    ------
    ValueError, TypeError
        If there are fewer than two runs, the numbers of rows differ, or all rows of one are equal.

    References
    ----------
    .. [1] Schneider, Lee and Mathis, "Learnable latent embeddings for joint behavioural and neural
       analysis", Nature 617, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import consistency
    >>> X, noise = np.random.default_rng(0).standard_normal((2, 1000, 3))
    >>> mixed = X @ np.array([[1.0, 2, 0], [0, 1, 0], [1, 0, 3]]) + 5
    >>> round(consistency(X, mixed), 6), round(consistency(X, mixed, X + noise), 1)
    (1.0, 0.7)
    """
    if len(runs) < 2:
        raise ValueError(
            f"consistency needs at least two runs, got {len(runs)}: pass consistency(X, Y), or "
            f"consistency(*runs)."
        )
    check_row_names({f"run {i}": run for i, run in enumerate(runs)})
    matrices = [in_range(as_matrix(run, f"run {i}")) for i, run in enumerate(runs)]
    for i, matrix in enumerate(matrices):
        check_varies(matrix, f"run {i}", "consistency")
        if len(matrix) != len(matrices[0]):
            raise ValueError(
                f"row i must be the same in all runs, got {len(matrices[0])} rows in run 0 and "
                f"{len(matrix)} in run {i}: embed the same rows with each."
            )
    if len(matrices) == 2:
        return OverMoments(consistency_of_moments, _consistency, *matrices, bounds=(0, 1))
    return lambda ci: over_rows(_consistency, *matrices, ci=ci, bounds=(0, 1))


def _consistency(*runs: Matrix) -> float:
    found = [
        consistency_of_moments(pair_moments(*on_one_device(X, Y))) for X, Y in combinations(runs, 2)
    ]
    return float(np.mean(found))


def _mean_r2(white: FloatMatrix, deviations: FloatMatrix) -> float:
    """Return the mean R² of columns, from their products with white regressors, (r, d)."""
    varies = deviations > 0
    if not varies.any() or not white.size:
        return np.nan
    explained = np.square(white).sum(axis=0)[varies] / deviations[varies] ** 2
    return float(np.minimum(explained, 1.0).mean())


CONSISTENCY = Description(
    metric=consistency,
    name="consistency",
    title="Linear fit, R²",
    group="alignment",
    better="higher",
    meaning="Share of one side's variance that a linear map of the other gives, both ways.",
    scored=False,
    source='Schneider, Lee and Mathis, "Learnable Latent Embeddings for Joint Behavioural and '
    'Neural Analysis", Nature 617, 2023',
    n_resamples=200,
    squares_columns=True,
)
