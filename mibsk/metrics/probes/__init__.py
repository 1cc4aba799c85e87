"""Probes, which predict factors from a representation, and what they say of its information."""

from ._leakage import KEPT, LEAKAGE, READ, kept, leakage
from ._outputs import PROBES
from ._penalty import Penalty
from ._probe_information import predicted_outputs, probe_information
from ._splits import split_rows

__all__ = [
    "KEPT",
    "LEAKAGE",
    "PROBES",
    "READ",
    "Penalty",
    "kept",
    "leakage",
    "predicted_outputs",
    "probe_information",
    "split_rows",
]
