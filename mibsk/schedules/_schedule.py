"""A number that changes over training."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from .._checks.parameters import check_scalar


@dataclass(frozen=True)
class Schedule(ABC):
    """A number as a function of training progress.

    The value is constant within an epoch; progress is 0 in the first epoch and 1 in the last one.
    Progress restarts with every `fit`; with `partial_fit` it reaches 1 after `max_epochs` calls and
    stays there.
    """

    @abstractmethod
    def __call__(self, progress: float) -> float:
        """Return the value at `progress`, 0 to 1."""

    @property
    @abstractmethod
    def lowest(self) -> float:
        """Lowest value over training."""


@dataclass(frozen=True)
class _Between(Schedule):
    """Base class of schedules from one value to another.

    Parameters
    ----------
    start, stop : float
        Values of the first and the last epoch.
    """

    start: float
    stop: float

    def __post_init__(self) -> None:
        check_scalar("start", self.start, low=0)
        check_scalar("stop", self.stop, low=0)

    @property
    def lowest(self) -> float:
        """Lowest value over training."""
        return min(self.start, self.stop)


@dataclass(frozen=True)
class Linear(_Between):
    r"""Linear schedule from `start` to `stop`, :math:`a + (b - a)\,t` at progress :math:`t`.

    Parameters
    ----------
    start, stop : float
        Values of the first and the last epoch, >= 0.

    Raises
    ------
    TypeError, ValueError
        If a value is not a finite number >= 0.

    Examples
    --------
    >>> from mibsk.schedules import Linear
    >>> Linear(0.0, 2.0)(0.5)
    1.0
    """

    def __call__(self, progress: float) -> float:
        """Return the value at `progress`, 0 to 1."""
        return (1 - progress) * self.start + progress * self.stop


@dataclass(frozen=True)
class Cosine(_Between):
    r"""Cosine schedule from `start` to `stop` [1]_, with zero slope at both ends.

    .. math:: b + (a - b)\,\tfrac12 (1 + \cos \pi t)

    Parameters
    ----------
    start, stop : float
        Values of the first and the last epoch, >= 0.

    Raises
    ------
    TypeError, ValueError
        If a value is not a finite number >= 0.

    References
    ----------
    .. [1] Loshchilov, Hutter. *SGDR: Stochastic Gradient Descent with Warm Restarts*. ICLR 2017.

    Examples
    --------
    >>> from mibsk.schedules import Cosine
    >>> round(Cosine(1.0, 0.0)(0.25), 4)
    0.8536
    """

    def __call__(self, progress: float) -> float:
        """Return the value at `progress`, 0 to 1."""
        share = (1 + math.cos(math.pi * progress)) / 2
        return share * self.start + (1 - share) * self.stop


@dataclass(frozen=True)
class Exponential(_Between):
    r"""Exponential schedule from `start` to `stop`, :math:`a^{1 - t}\,b^t`.

    Parameters
    ----------
    start, stop : float
        Values of the first and the last epoch, > 0.

    Raises
    ------
    TypeError, ValueError
        If a value is not a finite number > 0.

    Examples
    --------
    >>> from mibsk.schedules import Exponential
    >>> round(Exponential(0.01, 1.0)(0.5), 6)
    0.1
    """

    def __post_init__(self) -> None:
        check_scalar("start", self.start, low=0, strict=True)
        check_scalar("stop", self.stop, low=0, strict=True)

    def __call__(self, progress: float) -> float:
        """Return the value at `progress`, 0 to 1."""
        if progress in (0, 1):
            return self.stop if progress else self.start
        return math.exp((1 - progress) * math.log(self.start) + progress * math.log(self.stop))


@dataclass(frozen=True)
class WarmUp(Schedule):
    r"""Linear warm-up from `start` to a constant `value`.

    .. math:: a + (v - a) \min(1, t / s)

    Parameters
    ----------
    value : float
        Final value, >= 0.
    share : float, default=0.25
        Share `s` of training after which `value` is reached, in (0, 1).
    start : float, default=0.0
        Initial value, >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> from mibsk.schedules import WarmUp
    >>> warm_up = WarmUp(3.0, share=0.5)
    >>> warm_up(0.0), warm_up(0.25), warm_up(0.75)
    (0.0, 1.5, 3.0)
    """

    value: float
    share: float = 0.25
    start: float = 0.0

    def __post_init__(self) -> None:
        check_scalar("value", self.value, low=0)
        check_scalar("share", self.share, low=0, high=1, strict=True)
        check_scalar("start", self.start, low=0)

    def __call__(self, progress: float) -> float:
        """Return the value at `progress`, 0 to 1."""
        risen = min(progress / self.share, 1.0)
        return (1 - risen) * self.start + risen * self.value

    @property
    def lowest(self) -> float:
        """Lowest value over training."""
        return min(self.start, self.value)
