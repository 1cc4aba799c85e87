"""Probes: classifiers and regressions that read factors from a representation."""

from ._information import probe_information
from ._leakage import kept, leakage
from ._penalty import Penalty

__all__ = ["Penalty", "kept", "leakage", "probe_information"]
