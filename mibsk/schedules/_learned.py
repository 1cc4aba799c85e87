"""A learned temperature with bounds."""

from __future__ import annotations

from dataclasses import dataclass

from .._checks.parameters import check_scalar


@dataclass(frozen=True)
class Learned:
    """A number that is trained with the weights, within bounds.

    It is clipped to the bounds after each step, as the logit scale of CLIP [1]_.

    Parameters
    ----------
    start : float, default=0.07
        Initial value, within the bounds.
    low, high : float, default=0.01 and 1.0
        Bounds, > 0.

    Raises
    ------
    TypeError, ValueError
        If a value is not a finite number > 0, or not ``low <= start <= high``.

    References
    ----------
    .. [1] Radford et al. *Learning Transferable Visual Models From Natural Language Supervision*.
       ICML 2021.

    Examples
    --------
    >>> from mibsk import IBAligner
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.schedules import Learned
    >>> aligner = IBAligner(beta=10.0, temperature=Learned(low=0.05), random_state=0)
    >>> round(aligner.fit(load_digits_halves().data).temperature_, 3)
    0.05
    """

    start: float = 0.07
    low: float = 0.01
    high: float = 1.0

    def __post_init__(self) -> None:
        for name in ("low", "high", "start"):
            check_scalar(name, getattr(self, name), low=0, strict=True)
        if not self.low <= self.start <= self.high:
            raise ValueError(
                "a learned temperature must start within its bounds: expected low <= start <= "
                f"high, got low={self.low:g}, start={self.start:g}, high={self.high:g}."
            )
