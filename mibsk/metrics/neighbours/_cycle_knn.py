"""Cycle k-nearest neighbours: whether going to neighbours in both representations leads back."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._metric import metric
from .._resampling import CI, Estimate
from ._overlap import Values, mean_overlap
from ._search import Indices


@metric("alignment")
def cycle_knn(X: ArrayLike, Y: ArrayLike, *, k: int = 10, ci: CI = None) -> float | Estimate:
    r"""Share of rows that are a neighbour, in one representation, of a neighbour in the other.

    .. math:: \frac1n \, \Big| \Big\{ i : i \in \bigcup_{j \in \mathcal N^Y_k(i)}
              \mathcal N^X_k(j) \Big\} \Big|

    where :math:`\mathcal N^X_k(i)` are the ``k`` rows of ``X`` with the largest inner product with
    row ``i``, itself left out [1]_: from row ``i`` a step to a neighbour in ``Y``, and from there a
    step to a neighbour in ``X`` that is ``i`` again. It is not symmetric unless neighbourhood is,
    and soon near 1 as ``k`` grows. Rows, ties and memory are as in :func:`mutual_knn`.

    Parameters
    ----------
    X : array-like or tensor of shape (n_samples, n_features_x)
        The representation of the second step.
    Y : array-like or tensor of shape (n_samples, n_features_y)
        That of the first; row ``i`` is the partner of row ``i`` of ``X``.
    k : int, default=10
        Number of neighbours, in ``1..n_samples - 1``.
    ci : float or Bootstrap, optional
        Level of an interval, such as 0.95, or how it is made; by default none is.

    Returns
    -------
    float or Estimate
        In [0, 1]. It need not be 1 for equal representations: row ``i`` may be no neighbour of any
        of its neighbours. With ``ci`` an :class:`Estimate`.

    Raises
    ------
    ValueError
        If ``k`` is out of range or an input is not a finite matrix.

    References
    ----------
    .. [1] Huh et al., "The Platonic Representation Hypothesis", ICML 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import cycle_knn
    >>> angles = np.array([0.0, 0.1, 1.5, 1.7])
    >>> X = np.column_stack([np.cos(angles), np.sin(angles)])
    >>> cycle_knn(X, X, k=1), cycle_knn(X, X[[0, 2, 1, 3]], k=1)
    (1.0, 0.0)
    """
    return mean_overlap(returns, X, Y, k, ci, (0, 1))


def returns(near_x: Indices, near_y: Indices) -> Values:
    """Return 1 for each row that is among the x-neighbours of its y-neighbours, else 0: (n,)."""
    own = np.arange(len(near_x))[:, None]
    found = np.zeros(len(near_x), dtype=bool)
    for step in near_y.T:
        found |= (near_x[step] == own).any(axis=1)
    return found.astype(np.float64)
