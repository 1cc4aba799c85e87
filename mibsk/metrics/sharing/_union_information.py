"""The least information that two sources have of a target, given what each alone has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

Matrix = NDArray[np.float64]

N_STEPS = 2000
N_SWEEPS = 4  # of the margins in a step
CLOSE = 1e-7  # nats that a step gains


def mutual_information_of(table: Matrix) -> float:
    """Return the mutual information of rows and columns of a table of probabilities, in nats."""
    independent = np.outer(table.sum(axis=1), table.sum(axis=0))
    logs = xlogy(table, table) - xlogy(table, independent)
    return max(float(logs.sum()), 0.0)


def union_information(of_x: Matrix, of_y: Matrix, close: float = CLOSE) -> float:
    r"""Return the union information of two sources about a target, in nats.

    .. math:: \min_q I_q(L; X, Y), \quad q(l, x) = p(l, x), \; q(l, y) = p(l, y),

    the information that is certain to be there, whichever joint distribution has these two
    marginals [1]_. The problem is convex. With :math:`r(x, y) = \sum_l q(l, x, y)`, it is solved by
    turns [2]_: for each `l`, the distribution :math:`q(x, y \mid l)` closest to `r` that has the
    marginals (by iterative proportional fitting), and then `r` anew.

    Parameters
    ----------
    of_x, of_y : ndarray (n_classes, n_values)
        Joint probabilities of the target and the values of each source, with the same marginal of
        the target, of positive probabilities.
    close : float, default=1e-7
        The solution ends when a step gains less, in nats.

    References
    ----------
    .. [1] Bertschinger, Rauh, Olbrich, Jost and Ay, "Quantifying Unique Information", Entropy 16,
       2014.
    .. [2] Banerjee, Rauh and Montúfar, "Computing the Unique Information", ISIT 2018.
    """
    p = of_x.sum(axis=1)
    x, y = of_x / p[:, None], of_y / of_y.sum(axis=1)[:, None]
    q = x[:, :, None] * y[:, None, :]  # (n_classes, n_x, n_y)
    value = np.inf
    for _ in range(N_STEPS):
        r = np.einsum("l,lxy->xy", p, q)
        q = np.broadcast_to(r, q.shape)
        for _ in range(N_SWEEPS):
            q = q * _over(x, q.sum(axis=2))[:, :, None]
            q = q * _over(y, q.sum(axis=1))[:, None, :]
        before, value = value, _information(p, q)
        if abs(before - value) < close:
            break
    alone = mutual_information_of(of_x), mutual_information_of(of_y)
    return min(max(value, *alone), sum(alone))  # as in the exact solution


def _over(wanted: Matrix, found: Matrix) -> Matrix:
    return np.divide(wanted, found, out=np.zeros_like(wanted), where=found > 0)


def _information(p: Matrix, q: Matrix) -> float:
    """Return the information of the target about both sources, given p(l) and q(x, y | l)."""
    joint = p[:, None, None] * q
    return mutual_information_of(joint.reshape(len(p), -1))
