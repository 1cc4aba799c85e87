"""Metrics of representations of any model: arrays in, floats out."""

from .._checks.packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
