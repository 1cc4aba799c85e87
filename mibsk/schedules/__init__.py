"""Schedules of the weights of the loss during training.

A schedule is passed as `beta` or as `temperature` of :class:`mibsk.IBAligner`;
:class:`Learned` as a temperature, :class:`SufficiencyBudget` as a `beta`.
"""

from ._learned import Learned
from ._schedule import Cosine, Exponential, Linear, Schedule, WarmUp
from ._sufficiency_budget import SufficiencyBudget

__all__ = [
    "Cosine",
    "Exponential",
    "Learned",
    "Linear",
    "Schedule",
    "SufficiencyBudget",
    "WarmUp",
]
