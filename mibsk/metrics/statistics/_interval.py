"""The settings of a bootstrap interval, and the estimate that has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._checks.groups import Groups, as_groups
from ..._checks.parameters import check_scalar
from ..._checks.row_names import check_row_names


@dataclass(frozen=True)
class Bootstrap:
    r"""Settings of a bootstrap interval: the argument ``ci`` of every metric, or its level alone.

    Metrics that are a mean, or another summary, of one value per row draw as many rows as there
    are, with replacement [1]_. All others are computed again on half of the rows (at most
    `max_rows`), drawn without replacement [2]_, [3]_: a row that is drawn twice would be its own
    nearest neighbour. The spread of such values is that of samples of ``m`` of ``n`` rows, and is
    multiplied by :math:`\sqrt{m/(n-m)}` to be that of ``n``. In both cases the interval is the
    value plus quantiles of the deviations of the replicates from their mean, clipped to the range
    of the metric.

    Parameters
    ----------
    level : float, default=0.95
        Coverage of the interval, in (0, 1).
    n_resamples : int, default=1000
        Number of replicates.
    max_rows : int, default=4096
        Largest number of rows of a replicate of such a metric.
    random_state : int, default=0
        Seed; with the same number of rows, metrics draw the same rows.
    groups : array-like of shape (n_samples,), default=None
        Groups of rows that are not independent, such as recordings of one speaker, of which whole
        ones are drawn [4]_: in both cases as many, or half as many, as there are. The index of a
        Series is compared with that of the rows. :func:`leakage` and :func:`kept` have their own
        `groups`, since they draw held-out rows.

    References
    ----------
    .. [1] Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7, 1979.
    .. [2] Politis and Romano, "Large Sample Confidence Regions Based on Subsamples under Minimal
       Assumptions", Annals of Statistics 22, 1994.
    .. [3] Bickel, Götze and van Zwet, "Resampling Fewer than n Observations", Statistica Sinica 7,
       1997.
    .. [4] Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk.metrics import Bootstrap, modality_gap
    >>> X, Y = np.random.default_rng(0).standard_normal((2, 500, 3))
    >>> found = modality_gap(X, Y, ci=Bootstrap(0.9, n_resamples=200))
    >>> found.low < found.value < found.high
    True
    """

    level: float = 0.95
    n_resamples: int = 1000
    max_rows: int = 4096
    random_state: int = 0
    groups: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_scalar("the level of an interval (ci)", self.level, low=0, strict=True, high=1)
        check_scalar("n_resamples", self.n_resamples, low=10, integer=True)
        check_scalar("max_rows", self.max_rows, low=10, integer=True)
        check_scalar("random_state", self.random_state, low=0, integer=True)

    def groups_of(self, n_rows: int) -> Groups:
        """Return the group of each of n rows as a number, None if each is on its own."""
        return as_groups(self.groups, n_rows, "groups of Bootstrap")


@dataclass(frozen=True)
class Estimate:
    """The value of a metric with its interval; ``float()`` gives the value.

    Attributes
    ----------
    value : float
        On all rows.
    low, high : float
        Ends of the interval.
    level : float
        Its coverage.
    replicates : ndarray (n_resamples,)
        Values on resampled rows, shifted and scaled so that their spread about `value` is that of
        `value` about the true one.

    Examples
    --------
    >>> from mibsk.metrics import recall_at_k
    >>> value, low, high = recall_at_k([[1.0, 0], [0, 1]], [[1.0, 0], [0, 1]], ci=0.95)
    >>> value, low, high
    (1.0, 1.0, 1.0)
    """

    value: float
    low: float
    high: float
    level: float
    replicates: NDArray[np.float64] = field(repr=False, compare=False)

    def __float__(self) -> float:
        return self.value

    def __iter__(self) -> Iterator[float]:
        return iter((self.value, self.low, self.high))

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


CI = float | Bootstrap | None
"""The level of an interval such as 0.95, all its settings, or None for the value alone."""


def as_bootstrap(ci: float | Bootstrap) -> Bootstrap:
    """Return the settings of an interval, given these or its level."""
    return ci if isinstance(ci, Bootstrap) else Bootstrap(ci)


def check_groups(ci: CI, rows: Mapping[str, Any]) -> None:
    """Compare the names of groups with those of the rows that are drawn.

    Parameters
    ----------
    ci : float, Bootstrap or None
        The argument of a metric.
    rows : mapping of str to object
        Python expression of each argument with such rows, and the argument.

    Raises
    ------
    ValueError
        If they have the same names in another order.
    """
    if isinstance(ci, Bootstrap) and ci.groups is not None:
        for what, X in rows.items():
            check_row_names({what: X, "ci.groups": ci.groups})
