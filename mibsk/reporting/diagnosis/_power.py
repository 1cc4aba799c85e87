"""How many rows a shared direction needs to be seen among all columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy import optimize, stats

POWER = 0.8
LEVEL = 0.05
MANY = 1000  # degrees of freedom from which the normal distribution is used
LARGEST = 1 - 1e-6  # correlation


def rows_needed(rho: float, widths: Sequence[int]) -> float:
    r"""Return the rows with which a test of all columns sees one shared direction.

    The statistic of the permutation test, Wilks' in the form of Bartlett [1]_, is distributed as
    :math:`\chi^2_d` if nothing is shared, with the number `d` of pairs of columns of two tables,
    and has the noncentrality :math:`-\log\det R` for each row if one direction with the
    correlations `R` is. The power is 0.8 at the level 0.05, without a ridge; where the direction is
    among the leading principal axes, the ridge of the closed form needs fewer rows.

    Parameters
    ----------
    rho : float
        Correlation of the direction, the same for all pairs of tables.
    widths : sequence of int
        Number of columns of each table.

    References
    ----------
    .. [1] Bartlett, "A note on the multiplying factors for various chi-squared approximations",
       Journal of the Royal Statistical Society B 16, 1954.

    Examples
    --------
    >>> [round(rows_needed(0.3, widths)) for widths in ([1, 1], [10, 10], [100, 100])]
    [86, 442, 3874]
    """
    return noncentrality(widths) / information(rho, len(widths)) + _lost(widths)


def visible(n: float, widths: Sequence[int]) -> float | None:
    """Return the smallest correlation that `n` rows show, as :func:`rows_needed` does.

    None if there are fewer than two rows per column, for which the test has a ridge.
    """
    if n < 2 * sum(widths) or n <= _lost(widths):
        return None
    wanted = noncentrality(widths) / (n - _lost(widths))
    if information(LARGEST, len(widths)) <= wanted:
        return None
    found: float = optimize.brentq(
        lambda rho: information(rho, len(widths)) - wanted, 1e-9, LARGEST
    )
    return found


def information(rho: float, n_tables: int) -> float:
    """Return -log det of a correlation matrix with one correlation."""
    rho = min(rho, LARGEST)
    return float(-np.log1p((n_tables - 1) * rho) - (n_tables - 1) * np.log1p(-rho))


def noncentrality(widths: Sequence[int]) -> float:
    """Return the noncentrality that is seen with the power."""
    d = sum(a * b for a, b in combinations(widths, 2))
    if d > MANY:
        q, power = stats.norm.ppf(1 - LEVEL) * np.sqrt(2 * d), stats.norm.ppf(POWER)
        # x - q = power * sqrt(2 (d + 2 x))
        half = q + 2 * power**2
        return float(half + np.sqrt(half**2 - q**2 + 2 * power**2 * d))
    critical = stats.chi2.ppf(1 - LEVEL, d)
    found: float = optimize.brentq(
        lambda x: stats.ncx2.sf(critical, d, x) - POWER, 1e-3, 10 * d + 100
    )
    return found


def _lost(widths: Sequence[int]) -> float:
    """Return the rows that Bartlett's factor takes."""
    return 1 + (sum(widths) + 1) / 2
