"""Shared representations of paired data, aligned through an information bottleneck."""

from ._checks.packages import attach_stub

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
