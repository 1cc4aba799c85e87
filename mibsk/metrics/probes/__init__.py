"""Probes, which predict factors from a representation, and what they say of its information."""

from ._leakage import KEPT, LEAKAGE, READ, kept, leakage
from ._outputs import PROBES
from ._penalty import Penalty
from ._probe_information import probe_information

__all__ = [
    "KEPT",
    "LEAKAGE",
    "PROBES",
    "READ",
    "Penalty",
    "kept",
    "leakage",
    "probe_information",
]
