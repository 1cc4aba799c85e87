"""Claims: a number with an interval, and a verdict by a rule fixed before the number was known."""

from __future__ import annotations

from dataclasses import dataclass

from ..intervals import Interval

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"


@dataclass(frozen=True)
class Claim:
    """A claim about one dataset, and the result."""

    key: str
    text: str
    value: float
    low: float
    high: float
    n: int
    rule: str
    verdict: str
    p_value: float | None = None

    @classmethod
    def above(
        cls, key: str, text: str, found: Interval, threshold: float, p_value: float | None = None
    ) -> Claim:
        """Claim that the number is above a threshold."""
        rule = f"interval above {threshold:g}"
        verdict = _verdict(found.low > threshold, found.high < threshold)
        return cls(key, text, found.value, found.low, found.high, found.n, rule, verdict, p_value)

    @classmethod
    def below(
        cls, key: str, text: str, found: Interval, threshold: float, p_value: float | None = None
    ) -> Claim:
        """Claim that the number is below a threshold."""
        rule = f"interval below {threshold:g}"
        verdict = _verdict(found.high < threshold, found.low > threshold)
        return cls(key, text, found.value, found.low, found.high, found.n, rule, verdict, p_value)

    @classmethod
    def differs(cls, key: str, text: str, found: Interval) -> Claim:
        """Claim that the number is not 0; such a claim holds or is undecided."""
        verdict = _verdict(found.low > 0 or found.high < 0, fails=False)
        rule = "interval without 0"
        return cls(key, text, found.value, found.low, found.high, found.n, rule, verdict)


def _verdict(holds: bool, fails: bool) -> str:
    return HOLDS if holds else FAILS if fails else UNDECIDED
