"""Paired data: containers, specification of the input of a modality, and batches of rows."""

from .._checks.packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
