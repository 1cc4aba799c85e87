"""One space for sides of unequal columns: the cosines of rows with other rows of their side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics.rows import unit_rows

ROWS = 4  # fewest that are shown, and fewest that they are compared with


def relative(*sides: NDArray[Any], random_state: int = 0) -> tuple[NDArray[np.intp], list[Any]]:
    r"""Return the numbers of some rows, and these rows relative to the others, for each side.

    A row becomes the vector of its cosines with the rows :math:`a_1, \dots, a_m` of its side,

    .. math:: r_i = \big( \cos(x_i - \bar x, x_{a_1} - \bar x), \dots,
              \cos(x_i - \bar x, x_{a_m} - \bar x) \big)

    [1]_. These are the same rows on all sides, so that sides of unequal columns have the same
    columns. None of them is among the rows that are returned, since the cosine of a row with itself
    is 1 on all sides.

    Parameters
    ----------
    *sides : ndarray (n, d)
        Rows of each side; row i belongs together.
    random_state : int
        Seed of the choice of rows.

    References
    ----------
    .. [1] Moschella et al., "Relative Representations Enable Zero-Shot Latent Space
       Communication", ICLR 2023.
    """
    order = np.random.default_rng(random_state).permutation(len(sides[0]))
    shown, others = np.sort(order[::2]), order[1::2]
    if min(len(shown), len(others)) < ROWS:
        raise ValueError(f"a picture of sides with unequal columns needs at least {2 * ROWS} rows.")
    scaled = [Z / (np.float64(np.abs(Z).max()) or 1.0) for Z in sides]
    units = [unit_rows(Z - Z.mean(axis=0)) for Z in scaled]
    return shown, [unit[shown] @ unit[others].T for unit in units]
