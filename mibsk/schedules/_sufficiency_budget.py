"""Schedule of `beta` under a constraint on the loss of shared information."""

from __future__ import annotations

from dataclasses import dataclass

from .._checks.parameters import check_scalar, suggest

MONITORS = ("either", "bound", "recall")


@dataclass(frozen=True)
class SufficiencyBudget:
    r"""Increase `beta` as far as a budget of sufficiency allows, in one training run.

    The first part of training is uncompressed (``beta = 0``). After that, `beta` is the multiplier
    of a constraint [1]_: the metric `m` monitored on held-out pairs must not fall by more than the
    fraction `budget` below its best value so far, :math:`m^*`. A few times per epoch

    .. math:: \log\beta \leftarrow \log\beta + \eta\,\mathrm{clip}(2e, -1, 1), \qquad
        e = \frac{m - (1 - \mathrm{budget})\,m^*}{\mathrm{budget}\; m^*},

    with a moving average of `m`, so that `beta` increases while there is slack (:math:`e > 0`) and
    decreases when the budget is exceeded. :math:`m^*` is the largest value of that average, and
    increases as training improves it. The step size :math:`\eta` falls to 0 in the last half of
    the compressed epochs, so that `beta` converges.

    Parameters
    ----------
    budget : float, default=0.02
        Fraction of the monitored metric that may be lost, in (0, 1).
    monitor : {"either", "bound", "recall"}, default="either"
        ``"bound"`` is :math:`\log N - \mathrm{InfoNCE}`, a lower bound of the mutual information
        in nats, the tightest over five temperatures; ``"recall"`` is recall at 1 within a batch.
        ``"either"`` uses the larger :math:`e`, so that the budget is exceeded only if it is by
        both metrics: the bound also falls when training pairs are memorized, and recall of few
        pairs is noisy. Recall is ignored once it has exceeded 0.98, where it is saturated.
    high : float, default=10.0
        Upper limit of `beta`. Use ``monitor="bound"`` for limits well above 10, where `beta` can
        destroy more in an epoch than the controller can undo.
    share : float, default=0.2
        Share of the epochs that are uncompressed, in (0, 1).

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range.

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
