"""How much of the shared information may be given for compression."""

from __future__ import annotations

from dataclasses import dataclass

from .._checks.parameters import check_scalar, suggest

MONITORS = ("either", "bound", "recall")


@dataclass(frozen=True)
class SufficiencyBudget:
    r"""Let `beta` rise as far as a budget of sufficiency allows, in one training.

    The first part of training is uncompressed (`beta` is 0). From there on `beta` is a multiplier
    that follows a constraint [1]_: what is monitored on held-out pairs, `m`, shall stay within the
    fraction `budget` of the best that training has reached, :math:`m^*`. A few times an epoch

    .. math:: \log\beta \leftarrow \log\beta + \eta\,\mathrm{clip}(2e, -1, 1), \qquad
        e = \frac{m - (1 - \mathrm{budget})\,m^*}{\mathrm{budget}\; m^*},

    with a moving average of `m`, so that `beta` rises where there is slack (:math:`e > 0`) and
    falls where the budget is overdrawn. :math:`m^*` is the largest value of that average: it rises
    with all that training still learns. The pace :math:`\eta` falls to 0 in the last half of the
    compressed epochs, so that `beta` settles.

    Parameters
    ----------
    budget : float, default=0.02
        Fraction of what is monitored that may be lost, in (0, 1).
    monitor : {"either", "bound", "recall"}, default="either"
        ``"bound"`` is :math:`\log N - \mathrm{InfoNCE}`, a lower bound of the mutual information
        in nats at any temperature, of which the tightest of five is taken; ``"recall"`` the share
        of pairs whose partner is found first within a batch. With ``"either"`` the larger
        :math:`e` counts, so that the budget is overdrawn where both say so: the bound falls also
        where pairs are learned by heart, and recall of few pairs is noisy. A recall that has been
        above 0.98 cannot tell, and is not looked at.
    high : float, default=10.0
        `beta` goes no further. Much beyond 10, where it can destroy more in an epoch than the
        control can undo, use ``monitor="bound"``.
    share : float, default=0.2
        Share of the epochs that are uncompressed, in (0, 1).

    Raises
    ------
    TypeError, ValueError
        If one is out of its range.

    References
    ----------
    .. [1] Rezende, Viola. *Taming VAEs*. arXiv 1810.00597: generalised ELBO with constrained
       optimization (GECO).

    Examples
    --------
    >>> from mibsk import IBAligner
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.schedules import SufficiencyBudget
    >>> beta = SufficiencyBudget(0.05, monitor="recall")
    >>> aligner = IBAligner(beta=beta, random_state=0).fit(load_digits_halves().data)
    >>> 0.1 < aligner.beta_ <= 10
    True
    """

    budget: float = 0.02
    monitor: str = "either"
    high: float = 10.0
    share: float = 0.2

    def __post_init__(self) -> None:
        check_scalar("budget", self.budget, low=0, high=1, strict=True)
        if self.monitor not in MONITORS:
            raise ValueError(
                f"monitor must be one of {list(MONITORS)}, got {self.monitor!r}."
                + suggest(self.monitor, MONITORS)
            )
        check_scalar("high", self.high, low=0, strict=True)
        check_scalar("share", self.share, low=0, high=1, strict=True)
