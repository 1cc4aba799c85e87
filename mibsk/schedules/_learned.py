"""A temperature that is learned, within bounds."""

from __future__ import annotations

from dataclasses import dataclass

from .._checks.parameters import check_scalar


@dataclass(frozen=True)
class Learned:
    """A number that is trained with the weights and kept between two bounds.

    After each step it is put back to the nearest bound, as CLIP does with its scale [1]_.

    Parameters
    ----------
    start : float, default=0.07
        Where it starts, within the bounds.
    low, high : float, default=0.01 and 1.0
        Bounds, > 0.

    Raises
    ------
    TypeError, ValueError
        If one is no finite number > 0, or they are not in order.

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
                f"a learned temperature starts between its bounds: expected low <= start <= high, "
                f"got low={self.low:g}, start={self.start:g}, high={self.high:g}."
            )
